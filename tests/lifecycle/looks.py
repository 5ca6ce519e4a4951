"""Looks at Stripe, as a story would tell them: what the facts were on some day of a customer's life."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lifecycle.facts import Card, Facts, Invoice, InvoiceStatus
from lifecycle.plans import Interval, Terms, TrialWithoutCard
from lifecycle.policy import Policy
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription

BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)
POLICY = Policy(version=1, grace_days=14, max_payment_attempts=4, trial_reminder_days=3, short_trial_reminder_days=1)
BASIC = Terms("BASIC", Interval.MONTH, "basic_month", 1000, "usd", 14, TrialWithoutCard.CANCEL, POLICY)
PRO = replace(BASIC, plan="PRO", lookup_key="pro_month", amount=3000)
CARD = Card("pm_1", 12, 2031)


def day(number: float) -> datetime:
    """So many days after the customer began."""
    return BEGAN + timedelta(days=number)


def look(status: Status, **seen: Any) -> Facts:
    """A look at a subscription to BASIC in its first month, except for what is named."""
    usual: dict[str, Any] = {
        "subscription_id": "sub_1",
        "customer_id": "cus_1",
        "status": status,
        "price": BASIC.lookup_key,
        "started_at": BEGAN,
        "period_starts_at": BEGAN,
        "period_ends_at": day(31),
        "terms": BASIC,
        "card": CARD,
    }
    return Facts(**(usual | seen))


def trial(ends: datetime | None = None, **seen: Any) -> Facts:
    """In the trial."""
    end = ends or day(14)
    return look(Status.TRIALING, trial_ends_at=end, period_ends_at=end, **seen)


def paid(**seen: Any) -> Facts:
    """Paid up."""
    return look(Status.ACTIVE, **{"invoice": invoice(InvoiceStatus.PAID, attempts=1), **seen})


def unpaid_since(finalized: datetime, attempts: int = 1, *, is_latest: bool = True, **seen: Any) -> Facts:
    """Past due with an open invoice."""
    owed = invoice(InvoiceStatus.OPEN, attempts=attempts, finalized_at=finalized, is_latest=is_latest)
    return look(Status.PAST_DUE, **{"invoice": owed, **seen})


def over(at: datetime, **seen: Any) -> Facts:
    """Ended in Stripe."""
    return look(Status.CANCELED, ended_at=at, **seen)


def invoice(status: InvoiceStatus, **seen: Any) -> Invoice:
    """The invoice of a month of BASIC."""
    return Invoice(**({"id": "in_1", "status": status, "amount": 1000, "currency": "usd"} | seen))


def someone() -> Subscription:
    """A customer before anything happened."""
    return Subscription(user_id="ada")


def after(*looks: Facts, of: Subscription | None = None) -> Subscription:
    """Where a customer stands after these looks, one after the other."""
    subscription = of or someone()
    for facts in looks:
        subscription, _, _ = subscription.after(facts)
    return subscription
