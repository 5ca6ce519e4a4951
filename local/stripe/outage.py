"""Stripe being away, on request: errors, resets, hangs and lost answers for the next calls or seconds."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from .protocol.errors import StripeError

UNKNOWN = "An unknown error occurred"
_LATER = (500, "spoiled", "lost")


class ConnectionReset(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Outage:
    """What happens to calls whose ``method`` and ``path`` fit (None: any; a path fits when it begins so)."""

    status: int | str | None = None
    left: int | None = None
    until: float | None = None
    method: str | None = None
    path: str | None = None

    def set(self, given: dict[str, Any]) -> None:
        seconds = given.get("seconds")
        self.status, self.left = given.get("status"), given.get("count")
        self.until = time.time() + seconds if seconds else None
        self.method, self.path = given.get("method"), given.get("path")

    def as_json(self) -> dict[str, Any]:
        about = {"method": self.method, "path": self.path}
        return {"status": self.status, "count": self.left, "until": self.until, **about}

    async def strike(self, method: str, path: str) -> None:
        """Before the endpoint begins: no effect, no kept answer."""
        if self.status in _LATER or not self._hits(method, path):
            return
        if self.status == "reset":
            raise ConnectionReset
        if self.status == "hang":
            await asyncio.sleep(3600)
        raise _refusal(int(str(self.status)))

    def fail(self, method: str, path: str) -> None:
        """Within the endpoint, before its effect: the 500 is kept for the idempotency key."""
        if self.status == 500 and self._hits(method, path):
            raise StripeError(500, UNKNOWN, type="api_error")

    def spoil(self, method: str, path: str) -> None:
        """Within the endpoint, after its effect, which stands; the 500 is kept. ``path`` is the route's, with {id}."""
        if self.status == "spoiled" and self._hits(method, path):
            raise StripeError(500, UNKNOWN, type="api_error", keeps_effects=True)

    def lose(self, method: str, path: str) -> None:
        """After everything is done: the effect stands, and nobody hears of it."""
        if self.status == "lost" and self._hits(method, path):
            raise ConnectionReset

    def _hits(self, method: str, path: str) -> bool:
        if self.status is None or self._over():
            return False
        if self.method not in {None, method} or not path.startswith(self.path or ""):
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def _over(self) -> bool:
        over = (self.left is not None and self.left <= 0) or (self.until is not None and time.time() > self.until)
        if over:
            self.status = None
        return over


def _refusal(status: int) -> StripeError:
    if status == 429:
        message = "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests."
        return StripeError(429, message, code="rate_limit", replayable=False, retry_after=1)
    if status == 409:
        message = "This object cannot be accessed right now because another API request or Stripe process is "
        message += "currently accessing it."
        return StripeError(409, message, code="lock_timeout", replayable=False)
    return StripeError(status, UNKNOWN, type="api_error", replayable=False)
