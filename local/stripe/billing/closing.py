"""What a subscription makes of an invoice that is closed without being paid.

https://docs.stripe.com/billing/subscriptions/overview#unpaid
"""

from typing import Any

from ..world import World
from . import collection, lifecycle, pending_update

Object = dict[str, Any]


def after_void(world: World, invoice: Object) -> None:
    """A sign-up whose only invoice is gone has expired; a change that waited for its payment is forgotten."""
    subscription = world.store.get(invoice["_subscription"] or "")
    if subscription is None:
        return
    if subscription["status"] == "incomplete" and subscription["latest_invoice"] == invoice["id"]:
        lifecycle.give_up_incomplete(world, subscription, canceled_at=None)
    elif pending_update.waits_for(subscription, invoice):
        pending_update.forget(world, subscription)


def after_write_off(world: World, invoice: Object) -> None:
    """A debt given up brings a subscription back as a payment would, and one that resumes goes on."""
    collection.delinquency(world, invoice, behind=False)
    subscription = world.store.get(invoice["_subscription"] or "")
    if subscription is None:
        return
    if subscription["status"] == "paused" and pending_update.waits_for(subscription, invoice):
        pending_update.apply(world, subscription)
        lifecycle.schedule(world, subscription)
    elif subscription["status"] == "past_due":
        lifecycle.payment_received(world, subscription, invoice)
