"""What a Stripe account sets in its dashboard and we set through ``/_local/settings``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
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
    upcoming_days: int = 0
    """How many days before a renewal ``invoice.upcoming`` is sent; 0 is never."""
    tax_rates: Mapping[str, float] = field(default_factory=dict)
    """Percent by country, where tax is collected: ``{"DE": 19}``."""

    OUTCOMES = ("cancel", "unpaid", "past_due", "pause")

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> Self:
        if not stored:
            return cls()
        kept = {one.name: stored[one.name] for one in fields(cls) if one.name in stored}
        return cls(**{**kept, "retry_days": tuple(kept["retry_days"])})

    def as_object(self) -> dict[str, Any]:
        return {"id": "settings", "object": "_settings", **asdict(self)}
