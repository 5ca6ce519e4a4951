"""Stripe's events: which ones matter here, and which may wait.

An event is a hint that something changed, never the data: whoever is woken fetches the present.
https://docs.stripe.com/api/events/types
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HANDLED_EVENT_TYPES: tuple[str, ...] = (
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.trial_will_end",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.finalized",
    "invoice.voided",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.updated",
    "customer.deleted",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.automatically_updated",
    "payment_method.updated",
    "charge.refunded",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
)

_SETTLED_BY_ANOTHER = frozenset({"invoice.finalized"})
"""A finalized invoice is paid, fails or needs action within the same breath; those events wake."""

_MOVED_BY_A_RENEWAL = frozenset({"current_period_start", "current_period_end", "items", "latest_invoice"})


def is_worth_waking(event: Mapping[str, Any]) -> bool:
    """Whether the workflow must look now, or may leave it to the event that is bound to follow.

    A renewal begins with ``customer.subscription.updated`` (new period, draft invoice); nothing is decided until
    its invoice is paid or fails about an hour later, so an update that only moves the period wakes nobody.
    """
    if event["type"] not in HANDLED_EVENT_TYPES or event["type"] in _SETTLED_BY_ANOTHER:
        return False
    return not (event["type"] == "customer.subscription.updated" and _only_the_period_moved(event["data"]))


def _only_the_period_moved(data: Mapping[str, Any]) -> bool:
    previous = data.get("previous_attributes") or {}
    if "items" not in previous or not set(previous) <= _MOVED_BY_A_RENEWAL:
        return False
    priced = _priced(data["object"].get("items"))
    return bool(priced) and _priced(previous["items"]) == priced


def _priced(items: object) -> list[tuple[str, str]]:
    """Price and quantity of each item; empty when they cannot be read."""
    entries = items.get("data") or [] if isinstance(items, Mapping) else []
    priced = [((entry.get("price") or {}).get("id"), str(entry.get("quantity"))) for entry in entries]
    return sorted((str(price), quantity) for price, quantity in priced) if all(price for price, _ in priced) else []


def is_about_a_dispute(event_type: str) -> bool:
    """A dispute names a charge, and neither a customer nor a subscription."""
    return event_type.startswith("charge.dispute.")


def is_about_a_refund(event_type: str) -> bool:
    """Money went back to a customer, or came back because it could not."""
    return event_type in {"charge.refunded", "refund.failed"}


def is_about_an_abandoned_checkout(event_type: str) -> bool:
    """A page of Stripe's for subscribing was left alone until it expired."""
    return event_type == "checkout.session.expired"


ACKNOWLEDGED = "acknowledged"
"""Not an event of Stripe's: an operator has looked, and asks us to look again."""
IMPORTED = "imported"
"""Not an event of Stripe's: a subscription that lived before we did is to be adopted, without a word to anybody."""
RECONCILED = "reconciled"
"""Not an event of Stripe's: somebody compared the books and found that they differ."""
NOT_OF_STRIPE = frozenset({ACKNOWLEDGED, IMPORTED, RECONCILED})


@dataclass(frozen=True)
class EventHint:
    """What a workflow is told of an event: which one, and which subscription or dispute it is about, if it says.

    ``differs`` names what a reconciliation found; ``in_vain`` says that a look has not mended it.
    ``refund_id`` is the charge that was refunded, or the refund itself, ``session_id`` a Checkout page that expired.
    """

    id: str
    type: str
    subscription_id: str | None = None
    dispute_id: str | None = None
    differs: str | None = None
    in_vain: bool = False
    refund_id: str | None = None
    session_id: str | None = None
