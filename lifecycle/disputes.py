"""A payment that the customer's bank takes back unless somebody proves it right. https://docs.stripe.com/disputes"""

from dataclasses import dataclass
from datetime import datetime

_CLOSED_AS = {
    "won": "dispute_won",
    "lost": "dispute_lost",
    "warning_closed": "dispute_closed",
    "prevented": "dispute_closed",
}
"""How a dispute that has ended is called in the timeline; every other status of Stripe's is still open.
https://docs.stripe.com/api/disputes/object#dispute_object-status"""


@dataclass(frozen=True)
class Dispute:
    """One dispute as Stripe shows it now. ``amount`` is in minor units; ``respond_by`` is the bank's deadline."""

    id: str
    charge_id: str
    amount: int
    currency: str
    reason: str
    status: str
    respond_by: datetime | None = None

    @property
    def concern(self) -> str:
        """What an operator should know and do; the customer's subscription is left as it is meanwhile."""
        what = f"payment {self.charge_id} is disputed ({self.reason}, {self.amount} {self.currency} in minor units)"
        if self.status in _CLOSED_AS:
            return f"{what}: {self.id} is {self.status}; decide whether this subscription goes on"
        by = f" before {self.respond_by:%Y-%m-%d %H:%M} UTC" if self.respond_by else ""
        return f"{what}: answer {self.id} in Stripe{by}"

    def lines_after(self, known: str | None) -> list[str]:
        """What the timeline says of it when its status was ``known`` before (None: we meet it now)."""
        lines = [] if known else ["payment_disputed"]
        if self.status in _CLOSED_AS and (known not in _CLOSED_AS):
            lines.append(_CLOSED_AS[self.status])
        return lines
