"""What a customer gets back who leaves in a period that is paid, by the rule the subscription was sold under."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from lifecycle.disputes import has_open_dispute
from lifecycle.intents import Cancel, Intent, Timing
from lifecycle.policy import Policy, RefundOnCancel
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription


@dataclass(frozen=True)
class PaidTime:
    """What an invoice asks for some time, less discounts and with tax, in minor units; a credit is below nothing."""

    amount: int
    starts_at: datetime
    ends_at: datetime

    def worth(self, at: datetime) -> Fraction:
        """Of the time that is unused then, by the second."""
        unused, whole = _seconds(self.starts_at, self.ends_at, at)
        return Fraction(self.amount * unused, whole) if whole > 0 else Fraction(0)


@dataclass(frozen=True)
class PeriodPayment:
    """An invoice that was paid: what is ``left`` of its charge after refunds, in minor units, and for which time.

    ``lines``: its time that is not over and is this subscription's. None in what was recorded before lines were told:
    then all that is left was paid for the whole of its time. ``price``: its total. ``carried``: what of that was paid
    with credit from unused time. ``kept``: what is on the customer's balance of the credit that it made.
    ``period_starts_at``: when the period began that runs. ``is_disputed``: a bank decides about this money, or has
    taken it back.
    """

    invoice_id: str
    charge_id: str
    left: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    is_disputed: bool = False
    lines: list[PaidTime] | None = None
    price: int = 0
    carried: int = 0
    kept: int = 0
    period_starts_at: datetime | None = None

    def worth(self, at: datetime) -> Fraction:
        """Of its time that is unused then; below nothing when it took back more than it asks for."""
        lines = [PaidTime(self.left, self.starts_at, self.ends_at)] if self.lines is None else self.lines
        return sum((line.worth(at) for line in lines), Fraction(0))

    def paid_part(self) -> Fraction:
        """Of its price, what was really paid and has not gone back. What costs nothing is paid."""
        if self.lines is None or self.price <= 0:
            return Fraction(1)
        return min(max(Fraction(self.left + self.carried, self.price), Fraction(0)), Fraction(1))


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
    """What is given back to who leaves ``now``, rounded down; nothing while a bank decides about any payment.

    Payments are the oldest first. Time that was paid with carried credit is given back by the charges before, for that
    is the money which the credit came from. What is kept on the balance is not given back.
    """
    is_disputed = has_open_dispute(disputes) or any(payment.is_disputed for payment in payments)
    if is_disputed or policy.refund_on_cancel is RefundOnCancel.NONE:
        return []
    given, _ = _given(payments, None if policy.refund_on_cancel is RefundOnCancel.FULL else now)
    kept = _kept(payments)
    shares = [_share(policy, payment, amount, kept, now) for payment, amount in zip(payments, given, strict=True)]
    return [share for share in shares if share.amount > 0]


def is_backed(payments: Sequence[PeriodPayment]) -> bool:
    """Whether these charges hold all that was paid for the period that runs and what is kept on the balance, so that
    no older one has to be looked at."""
    given, missing = _given(payments, None)
    return not missing and sum(given) + _kept(payments) <= _left(payments)


def why_nothing(payments: Sequence[PeriodPayment], disputes: dict[str, str] | None) -> str:
    """Why the rule gives nothing back, for operators."""
    if has_open_dispute(disputes) or any(payment.is_disputed for payment in payments):
        return "a payment is disputed"
    has_charge = any(payment.charge_id for payment in payments)
    return "nothing is left of what was paid" if has_charge else "nothing was paid for this period"


def _given(payments: Sequence[PeriodPayment], at: datetime | None) -> tuple[list[int], int]:
    """What each charge gives, and what all of them cannot; for what is unused then, or all of the period."""
    budget = max(_left(payments) - _kept(payments), 0)
    given, asked = [], 0
    for payment, due in reversed(list(zip(payments, _due(payments, at), strict=True))):
        asked += due
        amount = min(asked, payment.left, budget)
        given.append(amount)
        asked, budget = asked - amount, budget - amount
    return given[::-1], asked


def _due(payments: Sequence[PeriodPayment], at: datetime | None) -> list[int]:
    """Rounded down; all of a period to the nearest, as Stripe rounded what it carried into it."""
    rounding = Fraction(0) if at else Fraction(1, 2)
    worths = [payment.worth(at or payment.period_starts_at or payment.starts_at) for payment in payments]
    paid = [worth * payment.paid_part() for worth, payment in zip(_netted(worths), payments, strict=True)]
    return [max(int(amount + rounding), 0) for amount in paid]


def _left(payments: Sequence[PeriodPayment]) -> int:
    return sum(payment.left for payment in payments)


def _kept(payments: Sequence[PeriodPayment]) -> int:
    return sum(payment.kept for payment in payments)


def _netted(worths: Sequence[Fraction]) -> list[Fraction]:
    """After credits took back what was paid just before them; what is left of a credit is taken off later ones."""
    netted, last = list(worths), len(worths) - 1
    older, newer = [(index, index - 1) for index in range(last, 0, -1)], [(index, index + 1) for index in range(last)]
    for source, target in older + newer:
        if netted[source] < 0:
            netted[target] += netted[source]
            netted[source] = Fraction(0)
    return netted


def _share(policy: Policy, payment: PeriodPayment, amount: int, kept: int, now: datetime) -> Share:
    unused, whole = _seconds(payment.starts_at, payment.ends_at, now)
    detail = {
        "rule": f"refund_on_cancel = {policy.refund_on_cancel}",
        "policy_version": str(policy.version),
        "invoice": payment.invoice_id,
        "paid": f"{payment.left} {payment.currency}",
        "period_ends_at": f"{payment.ends_at:%Y-%m-%dT%H:%M:%SZ}",
        "seconds_unused": f"{unused} of {whole}",
    } | ({"kept_as_credit": f"{kept} {payment.currency}"} if kept else {})
    return Share(payment.charge_id, amount, payment.currency, detail)


def _seconds(starts_at: datetime, ends_at: datetime, at: datetime) -> tuple[int, int]:
    """How much of a time is unused, and the whole of it."""
    whole = int((ends_at - starts_at).total_seconds())
    return min(max(int((ends_at - at).total_seconds()), 0), whole), whole
