"""Stripe being away, on request: errors, resets and hangs for the next calls or seconds."""

import asyncio
import time
from typing import Any

from .protocol.errors import StripeError


class ConnectionReset(Exception):
    """The connection is to be closed without an answer."""


class Outage:
    def __init__(self) -> None:
        self.status: int | str | None = None
        self.left: int | None = None
        self.until: float | None = None

    def set(self, status: int | str | None, count: int | None, seconds: float | None) -> None:
        self.status, self.left = status, count
        self.until = time.time() + seconds if seconds else None

    def as_json(self) -> dict[str, Any]:
        return {"status": self.status, "count": self.left, "until": self.until}

    async def strike(self, method: str, path: str) -> None:
        """Before anything is done: no effect, no kept answer."""
        if self.status is None or self._over():
            return
        if self.left is not None:
            self.left -= 1
        if self.status == "reset":
            raise ConnectionReset
        if self.status == "hang":
            await asyncio.sleep(3600)
        raise self._refusal(int(self.status))

    def _over(self) -> bool:
        over = (self.left is not None and self.left <= 0) or (self.until is not None and time.time() > self.until)
        if over:
            self.status = None
        return over

    def _refusal(self, status: int) -> StripeError:
        if status == 429:
            message = "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests."
            return StripeError(429, message, code="rate_limit", replayable=False)
        if status == 409:
            message = "This object cannot be accessed right now because another API request or Stripe process is "
            message += "currently accessing it."
            return StripeError(409, message, code="lock_timeout", replayable=False)
        return StripeError(status, "An unknown error occurred", type="api_error", replayable=False)
