"""What a customer gets back who leaves in a period that is paid, by the rule the subscription was sold under."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lifecycle.disputes import has_open_dispute
from lifecycle.intents import Cancel, Intent, Timing
from lifecycle.policy import Policy, RefundOnCancel
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription


@dataclass(frozen=True)
class PeriodPayment:
    """A payment for time that is not over: what is ``left`` of it after refunds, in minor units, and which time.

    ``is_disputed``: a bank decides about this money, or has taken it back.
    """

    invoice_id: str
    charge_id: str
    left: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    is_disputed: bool = False


@dataclass(frozen=True)
class Share:
    """What is given back of one charge, in minor units, and what the rule went by."""

    charge_id: str
    amount: int
    currency: str
    detail: dict[str, str] = field(default_factory=dict)


def may_get_back(subscription: Subscription, intent: Intent, policy: Policy) -> bool:
    """Whether it is to be asked what is given back: only who ends a period that is paid has a claim by the rule."""
    if not isinstance(intent, Cancel) or intent.timing is not Timing.NOW:
        return False
    is_paid_up = subscription.status is Status.ACTIVE and subscription.invoice is None
    return is_paid_up and policy.refund_on_cancel is not RefundOnCancel.NONE


def shares_due(
    policy: Policy, payments: Sequence[PeriodPayment], disputes: dict[str, str] | None, now: datetime
) -> list[Share]:
    """What is given back to who leaves ``now``, rounded down; nothing while a bank decides about any payment."""
    if has_open_dispute(disputes) or any(payment.is_disputed for payment in payments):
        return []
    shares = [_share(policy, payment, now) for payment in payments]
    return [share for share in shares if share.amount > 0]


def why_nothing(payments: Sequence[PeriodPayment], disputes: dict[str, str] | None) -> str:
    """Why the rule gives nothing back, for operators."""
    if has_open_dispute(disputes) or any(payment.is_disputed for payment in payments):
        return "a payment is disputed"
    return "nothing is left of what was paid" if payments else "nothing was paid for this period"


def _share(policy: Policy, payment: PeriodPayment, now: datetime) -> Share:
    whole = int((payment.ends_at - payment.starts_at).total_seconds())
    unused = min(max(int((payment.ends_at - now).total_seconds()), 0), whole)
    match policy.refund_on_cancel:
        case RefundOnCancel.FULL:
            amount = payment.left
        case RefundOnCancel.PRORATED:
            amount = payment.left * unused // whole if whole > 0 else 0
        case _:
            amount = 0
    detail = {
        "rule": f"refund_on_cancel = {policy.refund_on_cancel}",
        "policy_version": str(policy.version),
        "invoice": payment.invoice_id,
        "paid": f"{payment.left} {payment.currency}",
        "period_ends_at": f"{payment.ends_at:%Y-%m-%dT%H:%M:%SZ}",
        "seconds_unused": f"{unused} of {whole}",
    }
    return Share(payment.charge_id, max(amount, 0), payment.currency, detail)
