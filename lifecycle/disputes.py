"""A payment that the customer's bank takes back unless somebody proves it right. https://docs.stripe.com/disputes"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lifecycle.lines import Line
from lifecycle.policy import OnDispute

if TYPE_CHECKING:
    from lifecycle.subscription import Subscription

_CLOSED_AS = {
    "won": "dispute_won",
    "lost": "dispute_lost",
    "warning_closed": "dispute_closed",
    "prevented": "dispute_closed",
}
"""How a dispute that has ended is called in the timeline; every other status of Stripe's is still open.
https://docs.stripe.com/api/disputes/object#dispute_object-status"""

DISPUTE_LINES = ("payment_disputed", "dispute_escalated", *sorted(set(_CLOSED_AS.values())))

_MONEY_IS_GONE = {"needs_response", "under_review", "lost"}
"""Stripe has taken the money back; a warning (an inquiry) takes nothing yet, and a status that is new to us proves
nothing. https://docs.stripe.com/disputes/how-disputes-work"""


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
        """What an operator should know and do."""
        what = f"payment {self.charge_id} is disputed ({self.reason}, {self.amount} {self.currency} in minor units)"
        if self.status in _CLOSED_AS:
            return f"{what}: {self.id} is {self.status}; decide whether this subscription goes on"
        by = f" before {self.respond_by:%Y-%m-%d %H:%M} UTC" if self.respond_by else ""
        return f"{what}: answer {self.id} in Stripe{by}"

    @property
    def takes_money_back(self) -> bool:
        """The money of this payment has left us; it comes back only if the dispute is won."""
        return self.status in _MONEY_IS_GONE

    @property
    def detail(self) -> dict[str, str]:
        """What the timeline keeps of it."""
        about = {"dispute": self.id, "charge": self.charge_id, "amount": str(self.amount), "currency": self.currency}
        return {**about, "reason": self.reason, "status": self.status}

    def lines_after(self, known: str | None) -> list[str]:
        """What the timeline says of it when its status was ``known`` before (None: we meet it now)."""
        lines = [] if known else ["payment_disputed"]
        if known and known not in _MONEY_IS_GONE | _CLOSED_AS.keys() and self.takes_money_back:
            lines.append("dispute_escalated")
        if self.status in _CLOSED_AS and (known not in _CLOSED_AS):
            lines.append(_CLOSED_AS[self.status])
        return lines


def has_open_dispute(disputes: dict[str, str] | None) -> bool:
    """Whether a bank has still to decide about one of these, by their last known status."""
    return any(status not in _CLOSED_AS for status in (disputes or {}).values())


def after_dispute(subscription: "Subscription", dispute: Dispute, now: datetime) -> tuple["Subscription", list[Line]]:
    """The state with this dispute in it, flagged when it is news, and the lines that the timeline gets.

    When the money is taken back the trial is used up, and by the policy that the subscription was sold under it is
    suspended at once; ending it in Stripe follows. Winning a dispute gives nothing back by itself: a person decides.
    """
    known = subscription.disputes or {}
    before = known.get(dispute.id)
    lines = [Line(entry, dispute.detail) for entry in dispute.lines_after(before)]
    noted = replace(subscription, disputes={**known, dispute.id: dispute.status})
    if not lines:
        return noted, []
    noted = replace(noted, needs_attention=dispute.concern)
    if before in _MONEY_IS_GONE or not dispute.takes_money_back:
        return noted, lines
    noted = replace(noted, trial_used=True)
    if not noted.status.is_live or noted.terms is None or noted.suspended_at:
        return noted, lines
    policy = noted.terms.policy
    if policy.on_dispute is not OnDispute.SUSPEND_AND_CANCEL:
        return noted, lines
    rule = {"rule": f"on_dispute = {policy.on_dispute}", "policy_version": str(policy.version)}
    suspended = replace(noted, suspended_at=now, suspended_for=dispute.id)
    return suspended, [*lines, Line("suspended", {**dispute.detail, **rule})]


def status_told_by(entry: str, detail: dict[str, str]) -> str:
    """The status that a dispute had when this line of the timeline was written."""
    by_entry = {line: status for status, line in _CLOSED_AS.items()}
    return detail.get("status") or by_entry.get(entry, "needs_response")
