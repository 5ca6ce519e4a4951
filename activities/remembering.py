"""What a row of the projection says of a subscription whose workflow is lost: where its story goes on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from lifecycle.facts import Invoice, InvoiceStatus
from lifecycle.plans import Interval, Terms, TrialWithoutCard, lookup_key
from lifecycle.policy import Policy
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription

_POLICY: TypeAdapter[Policy] = TypeAdapter(Policy)
"""A rule that was not there when a policy was kept has its default, as in every state that travels."""


def policy_as_kept(policy: Policy) -> Any:
    """The version and the rules, about 200 bytes of a row; `perennial policy` compares them with the catalogue's."""
    return _POLICY.dump_python(policy, mode="json")


def policy_from(kept: Any) -> Policy | None:
    """None: sold before policies were kept in rows, and not saved since."""
    return None if kept is None else _POLICY.validate_python(kept)


def subscription_from_row(row: Mapping[str, Any]) -> Subscription:
    """The state as far as `billing.subscriptions` remembers it; price and card come with the next look."""
    terms = _terms(row)
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
    )


def _terms(row: Mapping[str, Any]) -> Terms | None:
    """The offer under its own rules. What only beginnings need of it is not in the row, and is not asked for again."""
    policy = policy_from(row["policy"])
    if policy is None or row["plan"] is None:
        return None
    interval = Interval(row["interval"])
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
