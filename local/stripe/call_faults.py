"""Stripe being away, slow or forgetful: what the rules of :mod:`.faults` do to one call.

The moments are those of https://docs.stripe.com/error-low-level: before the endpoint begins nothing happened and
nothing is kept; within it a 500 is kept for the idempotency key; afterwards an answer may be lost.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from .faults import Faults, Rule
from .protocol.errors import StripeError
from .protocol.idempotency import key_in_use

UNKNOWN = "An unknown error occurred"
HANG_SECONDS = 3600
BEFORE = ("rate_limit", "lock_timeout", "conflict", "unavailable", "hang", "reset_before")


class ConnectionReset(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Call:
    """One request as the rules see it, and which of them struck it."""

    faults: Faults
    method: str
    path: str
    api_key: str = ""
    idempotency_key: str = ""
    struck: list[Rule] = field(default_factory=list)

    async def begin(self) -> None:
        """Before the endpoint: no effect, no kept answer."""
        if rule := self._struck_by(*BEFORE):
            if rule.fault == "reset_before":
                raise ConnectionReset
            if rule.fault == "hang":
                await asyncio.sleep(HANG_SECONDS)
            raise self._refusal(rule)

    async def take_time(self) -> None:
        """While the endpoint works and its key is busy."""
        if rule := self._struck_by("slow"):
            await asyncio.sleep(rule.milliseconds / 1000)

    def fail_before(self) -> None:
        """Within the endpoint, before its effect: the 500 is kept for the idempotency key."""
        if self._struck_by("error_before"):
            raise StripeError(500, UNKNOWN, type="api_error")

    def fail_after(self) -> None:
        """Within the endpoint, after its effect, which stands; the 500 is kept."""
        if self._struck_by("error_after"):
            raise StripeError(500, UNKNOWN, type="api_error", keeps_effects=True)

    def lose(self) -> None:
        """After everything is done: the effect stands, and nobody hears of it."""
        if self._struck_by("reset_after"):
            raise ConnectionReset

    def _struck_by(self, *kinds: str) -> Rule | None:
        """The first rule that strikes; those behind it are spared for the next call."""
        subject = {
            "method": self.method,
            "path": self.path,
            "api_key": self.api_key,
            "idempotency_key": self.idempotency_key,
        }
        rule = next(self.faults.striking(kinds, subject), None)
        if rule:
            self.struck.append(rule)
        return rule

    def _refusal(self, rule: Rule) -> StripeError:
        if rule.fault == "rate_limit":
            message = "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests."
            return StripeError(429, message, code="rate_limit", replayable=False, retry_after=rule.retry_after)
        if rule.fault == "lock_timeout":
            return lock_timeout()
        if rule.fault == "conflict":
            return key_in_use(self.idempotency_key)
        return StripeError(503, UNKNOWN, type="api_error", replayable=False)


def lock_timeout() -> StripeError:
    """https://docs.stripe.com/rate-limits#object-lock-timeouts: a 429 that may be tried again at once."""
    message = (
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request. If you see this error frequently and "
        "are making multiple concurrent requests to a single object, make your requests serially or at a lower rate. "
        "For more details, see https://stripe.com/docs/rate-limits#object-lock-timeouts."
    )
    return StripeError(429, message, code="lock_timeout", replayable=False)


def key_of(headers: Mapping[str, str], method: str) -> str:
    """Only a POST has a key that counts."""
    return headers.get("idempotency-key", "") if method == "POST" else ""
