"""What a row of the projection says of a subscription whose workflow is lost: where its story goes on."""

from collections.abc import Mapping
from typing import Any

from lifecycle.facts import Invoice, InvoiceStatus
from lifecycle.plans import Catalogue, Interval, Terms, UnknownPlan
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription


def subscription_from_row(row: Mapping[str, Any], catalogue: Catalogue) -> Subscription:
    """The state as far as `billing.subscriptions` remembers it; terms, price and card come with the next look.

    A trial or pause that Stripe does not know of has no next look; its terms are those of its plan today.
    """
    return Subscription(
        user_id=row["user_id"],
        status=Status(row["status"] or "none"),
        seq=row["seq"],
        stripe_customer_id=row["stripe_customer_id"],
        stripe_subscription_id=row["stripe_subscription_id"],
        started_at=row["started_at"],
        period_starts_at=row["current_period_starts_at"],
        period_ends_at=row["current_period_ends_at"],
        trial_ends_at=row["trial_ends_at"],
        cancel_at_period_end=row["cancel_at_period_end"],
        cancel_at=row["cancel_at"],
        cancel_reason=row["cancel_reason"],
        ended_at=row["ended_at"],
        past_due_since=row["past_due_since"],
        suspended_at=row["suspended_at"],
        invoice=_invoice(row),
        needs_attention=row["needs_attention"],
        terms=None if row["stripe_subscription_id"] else _terms(row, catalogue),
        trial_used=row["trial_ends_at"] is not None,
        quantity=row["quantity"],
    )


def _terms(row: Mapping[str, Any], catalogue: Catalogue) -> Terms | None:
    """None for a plan that is no longer sold; the trial then ends with its day."""
    try:
        plan, interval = row["plan"] or "", Interval(row["interval"] or "")
        return catalogue.terms_at(plan, interval, row["amount"], row["currency"] or catalogue.currency)
    except (UnknownPlan, ValueError):
        return None


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
