"""A subscription that stands still: no periods, no invoices (https://docs.stripe.com/billing/subscriptions/pause)."""

from typing import Any

from ..world import World
from . import pending_update, proration

Object = dict[str, Any]
UPDATED = "customer.subscription.updated"


def stop(world: World, subscription: Object, reason: str) -> None:
    """Why it stands still: ``pause_requested`` or ``trial_end_without_payment_method``."""
    now = world.now(subscription["_clock"])
    pending_update.expire(world, subscription)
    with world.changing(subscription, UPDATED):
        subscription["status"] = "paused"
        subscription["status_details"] = {
            "paused": {"subscription": {"type": reason}, "transitioned_at": now, "type": "subscription"}
        }
        for item in subscription["items"]["data"]:
            item["current_period_end"] = now
    world.emit("customer.subscription.paused", subscription)


def credit(world: World, subscription: Object, since: str) -> None:
    """Give back what was paid for time that is not used: from ``now``, ``item_current_period_start`` or ``none``."""
    if since == "none":
        return
    for item in subscription["items"]["data"]:
        start = world.now(subscription["_clock"]) if since == "now" else item["current_period_start"]
        proration.credit_unused(world, subscription, item, start)
