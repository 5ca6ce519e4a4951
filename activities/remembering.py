"""What a row of the projection says of a subscription whose workflow is lost: where its story goes on."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from lifecycle.facts import Invoice, InvoiceStatus
from lifecycle.plans import Catalogue, Interval, Terms, TrialWithoutCard, UnknownPlan, lookup_key
from lifecycle.policy import Policy, policy_from
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription


def subscription_from_row(row: Mapping[str, Any], catalogue: Catalogue) -> Subscription:
    """The state as far as `billing.subscriptions` remembers it; price and card come with the next look.

    A trial or pause that Stripe does not know of has no next look; what its row does not say is as its plan says today.
    """
    terms = _terms(row, catalogue)
    return Subscription(
        user_id=row["user_id"],
        status=Status(row["status"] or "none"),
        seq=row["seq"],
        stripe_customer_id=row["stripe_customer_id"],
        stripe_subscription_id=row["stripe_subscription_id"],
        terms=terms,
        started_at=row["started_at"],
        period_starts_at=row["current_period_starts_at"],
        period_ends_at=row["current_period_ends_at"],
        trial_ends_at=row["trial_ends_at"],
        cancel_at_period_end=row["cancel_at_period_end"],
        cancel_at=row["cancel_at"],
        cancel_reason=row["cancel_reason"],
        ended_at=row["ended_at"],
        past_due_since=row["past_due_since"],
        grace_promised_until=_promised(row, terms),
        suspended_at=row["suspended_at"],
        invoice=_invoice(row),
        needs_attention=row["needs_attention"],
        trial_used=row["trial_ends_at"] is not None,
        quantity=row["quantity"],
    )


def _terms(row: Mapping[str, Any], catalogue: Catalogue) -> Terms | None:
    """The offer under its own rules; None where they are not in the row and Stripe will be asked anyway."""
    policy = policy_from(row["policy"])
    if row["plan"] is None or (policy is None and row["stripe_subscription_id"]):
        return None
    interval, currency = Interval(row["interval"]), row["currency"] or catalogue.currency
    try:
        terms = catalogue.terms_at(row["plan"], interval, row["amount"], currency)
    except UnknownPlan:
        return _of_a_plan_that_is_gone(row, interval, policy) if policy else None
    return replace(terms, policy=policy) if policy else terms


def _of_a_plan_that_is_gone(row: Mapping[str, Any], interval: Interval, policy: Policy) -> Terms:
    """What only beginnings need is not in the row, and is not asked for again."""
    return Terms(
        plan=row["plan"],
        interval=interval,
        lookup_key=lookup_key(row["plan"], interval),
        amount=row["amount"],
        currency=row["currency"],
        trial_days=0,
        trial_without_card=TrialWithoutCard.CANCEL,
        policy=policy,
    )


def _promised(row: Mapping[str, Any], terms: Terms | None) -> datetime | None:
    """Grace that ends later than the rules say was promised before the subscription was moved to them."""
    late_since, ends = row["past_due_since"], row["grace_ends_at"]
    if terms is None or late_since is None or ends is None:
        return None
    return ends if ends > late_since + timedelta(days=terms.policy.grace_days) else None


def _invoice(row: Mapping[str, Any]) -> Invoice | None:
    """How often it was tried is not in the row: a failed try may be told twice, its letter is written once."""
    if row["open_invoice_id"] is None:
        return None
    return Invoice(
        id=row["open_invoice_id"],
        status=InvoiceStatus.OPEN,
        amount=row["open_invoice_amount"],
        currency=row["currency"],
        next_attempt_at=row["next_payment_attempt_at"],
        action_required=row["action_required"],
    )
