"""Whether the projection and Stripe say the same of a subscription, and who can mend it when they do not."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from lifecycle.facts import Facts


class Verdict(StrEnum):
    """What a reconciliation says of one subscription."""

    AGREED = "agreed"
    DIFFERS = "differs"
    """Only said when nothing is to be changed (a dry run)."""
    REPAIRED = "repaired"
    NEEDS_PERSON = "needs_person"
    UNREACHABLE = "unreachable"
    """Its workflow was told and has not answered yet; it will, or the next round tells it again."""


PRICE = "price"
NOT_AT_STRIPE = "not at Stripe"
SECOND = "second subscription"
UNKNOWN_HERE = "unknown here"
UNKNOWN_USER = "unknown user"
UNREADABLE = "unreadable"
WORKFLOW = "workflow"
BEYOND_A_LOOK = frozenset({PRICE, NOT_AT_STRIPE, SECOND, UNREADABLE})
"""What a workflow cannot mend by looking at Stripe; once it is flagged, telling it every day helps nobody."""
NEVER_ADOPTED = frozenset({UNKNOWN_HERE, PRICE})
"""A subscription that is not ours although it names a user of ours: telling a workflow changes nothing."""

_PERIOD = {"period_starts_at", "period_ends_at"}
_OFFER = {"plan", "interval", "amount", "currency"}


@dataclass(frozen=True)
class Account:
    """What both books say of a subscription. Amounts are in minor units, moments aware."""

    status: str
    customer_id: str | None
    plan: str | None
    interval: str | None
    amount: int | None
    currency: str | None
    quantity: int
    trial_ends_at: datetime | None
    period_starts_at: datetime | None
    period_ends_at: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    ended_at: datetime | None
    open_invoice_id: str | None
    open_invoice_amount: int | None
    next_payment_attempt_at: datetime | None


def account_in(facts: Facts) -> Account:
    """The same words for what Stripe says."""
    owed, terms = facts.owed, facts.terms
    return Account(
        status=facts.status.value,
        customer_id=facts.customer_id,
        plan=terms.plan if terms else None,
        interval=terms.interval.value if terms else None,
        amount=terms.amount if terms else None,
        currency=terms.currency if terms else None,
        quantity=facts.quantity,
        trial_ends_at=facts.trial_ends_at,
        period_starts_at=facts.period_starts_at,
        period_ends_at=facts.period_ends_at,
        cancel_at_period_end=facts.cancel_at_period_end,
        cancel_at=facts.cancel_at or (facts.period_ends_at if facts.cancel_at_period_end else None),
        ended_at=facts.ended_at,
        open_invoice_id=owed.id if owed else None,
        open_invoice_amount=owed.amount if owed else None,
        next_payment_attempt_at=owed.next_attempt_at if owed else None,
    )


def differences(ours: Account, facts: Facts, *, is_renewing: bool = False) -> tuple[str, ...]:
    """The names of what differs.

    While the latest invoice is a draft (``is_renewing``) nothing is decided, and its period is not ours yet. A price of
    none of our plans has no offer to compare with.
    """
    theirs = account_in(facts)
    differing = {field.name for field in fields(Account) if getattr(ours, field.name) != getattr(theirs, field.name)}
    if is_renewing:
        differing -= _PERIOD
    if facts.unknown_price:
        differing = (differing - _OFFER) | {PRICE}
    order = [field.name for field in fields(Account)]
    return tuple(sorted(differing, key=lambda name: order.index(name) if name in order else len(order)))
