"""What a Stripe account sets in its dashboard and we set through ``/_local/settings``."""

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Settings:
    """Smart Retries and what follows them (https://docs.stripe.com/billing/revenue-recovery/smart-retries)."""

    retry_days: tuple[int, ...] = (3, 5, 7)
    """Days from one failed try of a payment to the next."""
    after_last_retry: str = "cancel"
    """``cancel``, ``unpaid``, ``past_due`` or ``pause``; what cannot be paused is canceled."""
    finalize_after_seconds: int = 3600
    """How long a renewal's invoice stays a draft."""

    OUTCOMES = ("cancel", "unpaid", "past_due", "pause")

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> Self:
        if not stored:
            return cls()
        return cls(tuple(stored["retry_days"]), stored["after_last_retry"], stored["finalize_after_seconds"])

    def as_object(self) -> dict[str, Any]:
        return {"id": "settings", "object": "_settings", **asdict(self)}
