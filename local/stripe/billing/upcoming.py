"""``invoice.upcoming`` some days before a renewal (https://docs.stripe.com/api/events/types#event_types-invoice.upcoming)."""

from typing import Any

from ..world import World
from .periods import period

Object = dict[str, Any]
DAY = 86400
KIND = "announce_invoice"


def plan(world: World, subscription: Object) -> None:
    """Once for each period, when the account's settings name a number of days."""
    world.deadlines.clear(KIND, subscription)
    days, end = world.settings.upcoming_days, period(subscription)[1]
    at = end - days * DAY
    renews = not subscription["cancel_at_period_end"] and subscription.get("_upcoming") != end
    if days and renews and at >= world.now(subscription["_clock"]):
        world.deadlines.set(KIND, subscription, at)
