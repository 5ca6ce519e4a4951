"""Going on while a part of the stack restarts, as a good client does: ask again, but never over another error."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import psycopg
import stripe
from sqlalchemy.exc import InterfaceError, OperationalError
from temporalio.service import RPCError, RPCStatusCode

from local.waiting import until

Answer = TypeVar("Answer")

_BROKEN_LINES = (
    httpx.TransportError,
    stripe.APIConnectionError,
    stripe.RateLimitError,
    psycopg.OperationalError,
    OperationalError,
    InterfaceError,
    OSError,
)
_WITHOUT_TEMPORAL = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.UNKNOWN,  # the connection broke in the middle of an answer
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.ABORTED,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.FAILED_PRECONDITION,  # a query while no worker works
}


def is_away(error: BaseException) -> bool:
    """Whether it says that somebody does not answer now, rather than that what was asked is wrong."""
    if isinstance(error, RPCError):
        return error.status in _WITHOUT_TEMPORAL
    if isinstance(error, RuntimeError):  # a Temporal client says so when it cannot connect for the first time
        return str(error).startswith("Failed client connect")
    if isinstance(error, stripe.APIError):
        return error.http_status is None or error.http_status in {409, 424} or error.http_status >= 500
    return isinstance(error, _BROKEN_LINES)


async def patiently(ask: Callable[[], Awaitable[Answer]], *, within: float, what: str) -> Answer:
    """Ask until there is an answer; what is asked must be the same however often it is asked.

    Raises ``TimeoutError`` naming ``what`` and the last trouble after ``within`` seconds, any other error at once.
    """
    answers: list[Answer] = []
    trouble: list[str] = []

    async def is_answered() -> bool:
        try:
            answers.append(await ask())
        except Exception as error:
            if not is_away(error):
                raise
            trouble[:] = [f" ({type(error).__name__})"]
        return bool(answers)

    try:
        await until(is_answered, within=within, what=what)
    except TimeoutError as error:
        raise TimeoutError(f"{error}{''.join(trouble)}") from None
    return answers[0]
