"""Money that goes back to a customer. A refund is no cancellation: the subscription goes on.

https://docs.stripe.com/refunds
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lifecycle.lines import Line
from lifecycle.refusals import Refusal, RefusalCode

if TYPE_CHECKING:
    from lifecycle.subscription import Subscription

_IN_VAIN = {"failed", "canceled"}
"""The money is back with us. https://docs.stripe.com/refunds#failed-refunds"""

REFUND_LINES = ("refunded", "refund_failed")


@dataclass(frozen=True)
class Refund:
    """One refund as Stripe shows it now. ``amount`` is in minor units.

    ``operation_id`` names the operation of ours that asked for it, ``by`` the operator; a refund that was made in
    Stripe's dashboard has neither.
    """

    id: str
    charge_id: str
    amount: int
    currency: str
    status: str
    reason: str | None = None
    operation_id: str | None = None
    by: str | None = None

    @property
    def detail(self) -> dict[str, str]:
        """What the timeline keeps of it."""
        about = {"refund": self.id, "charge": self.charge_id, "amount": str(self.amount), "currency": self.currency}
        more = {"status": self.status, "reason": self.reason, "by": self.by}
        return about | {name: value for name, value in more.items() if value}

    def cause_or(self, cause: str, cause_id: str) -> tuple[str, str]:
        """Why it was made: for one of ours its operation, whoever tells us of it first."""
        return ("intent", self.operation_id) if self.operation_id else (cause, cause_id)


@dataclass(frozen=True)
class Refundable:
    """A payment of the customer's, and how much of it has not been given back, in minor units.

    ``refused`` says why there is none, in our words for programs.
    """

    charge_id: str | None = None
    left: int = 0
    currency: str = ""
    refused: str | None = None


def after_refund(subscription: "Subscription", refund: Refund) -> tuple["Subscription", list[Line]]:
    """The state with this refund in it, and the lines of the timeline when it is news.

    One that failed is for a person: the customer was told of money that never came.
    """
    known = subscription.refunds or {}
    before = known.get(refund.id)
    lines = [] if before else [Line("refunded", refund.detail)]
    noted = replace(subscription, refunds={**known, refund.id: refund.status})
    if refund.status in _IN_VAIN and before not in _IN_VAIN:
        lines.append(Line("refund_failed", refund.detail))
        what = f"{refund.amount} {refund.currency} in minor units of {refund.charge_id}"
        concern = f"refund {refund.id} ({what}) is {refund.status}: give the money back some other way"
        noted = replace(noted, needs_attention=concern)
    return noted, lines


def amount_to_refund(found: Refundable, wanted: int | None) -> int:
    """What is given back of a payment: all that is left, or the part that is wanted. Raises `Refusal`."""
    if found.refused or found.left <= 0:
        code = RefusalCode(found.refused or RefusalCode.NOTHING_TO_REFUND)
        raise Refusal(code, WHY_NOT[code])
    if wanted is not None and wanted > found.left:
        detail = f"At most {found.left} {found.currency} in minor units can be refunded of this payment."
        raise Refusal(RefusalCode.REFUND_TOO_LARGE, detail)
    return found.left if wanted is None else wanted


WHY_NOT = {
    RefusalCode.NOTHING_TO_REFUND: "There is no payment that could be refunded, or all of it was refunded already.",
    RefusalCode.UNKNOWN_INVOICE: "This customer has no such invoice.",
    RefusalCode.PAYMENT_DISPUTED: "The payment is disputed; the bank decides about this money.",
    RefusalCode.REFUND_TOO_LARGE: "More was meanwhile refunded than is left now; ask again with a smaller amount.",
}
