"""The latest calls, as Stripe's dashboard shows them under Logs (https://docs.stripe.com/development/dashboard/request-logs)."""

from collections import OrderedDict
from dataclasses import dataclass

KEPT = 1000


@dataclass(frozen=True)
class Request:
    id: str
    at: float
    """By the real clock."""
    method: str
    path: str
    status: int
    """0 when the connection was closed without an answer."""
    milliseconds: float
    idempotency_key: str
    replayed: bool
    faults: tuple[str, ...]
    """What struck it on purpose."""
    sent: str
    """Its form, as it came."""
    answer: bytes


class RequestLog:
    """In memory only."""

    def __init__(self) -> None:
        self.requests: OrderedDict[str, Request] = OrderedDict()

    def add(self, request: Request) -> None:
        self.requests[request.id] = request
        if len(self.requests) > KEPT:
            self.requests.popitem(last=False)

    def newest(self) -> list[Request]:
        return list(reversed(self.requests.values()))
