"""How a subscription schedule ends: completed, released, canceled, or aborted with its subscription.

https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from typing import Any

from ..world import World

Object = dict[str, Any]
LIVE = ("not_started", "active")


def release(world: World, schedule: Object, keeps_cancellation: bool = False) -> None:
    """The subscription goes on without it; the end that the schedule set is taken back."""
    subscription = world.store.get(schedule["subscription"] or "")
    if subscription:
        with world.changing(subscription, "customer.subscription.updated"):
            subscription["schedule"] = None
            if subscription.pop("_ended_by_schedule", False) and not keeps_cancellation:
                subscription["cancel_at"] = subscription["canceled_at"] = None
    world.store.edit(schedule)
    schedule["released_subscription"], schedule["subscription"] = schedule["subscription"], None
    _end(world, schedule, "released", "released_at")
    world.emit("subscription_schedule.released", schedule)


def cancel(world: World, schedule: Object) -> None:
    _end(world, schedule, "canceled", "canceled_at")
    world.emit("subscription_schedule.canceled", schedule)


def after_subscription(world: World, subscription: Object, reason: str | None) -> None:
    """Its subscription is over: as planned, for lack of payment, or because somebody canceled it."""
    schedule = world.store.get(subscription["schedule"] or "")
    if schedule is None or schedule["status"] not in LIVE:
        return
    if subscription.get("_ended_by_schedule") and world.now(schedule["_clock"]) >= subscription["cancel_at"]:
        _end(world, schedule, "completed", "completed_at")
        world.emit("subscription_schedule.completed", schedule)
    elif reason == "payment_failed":
        _end(world, schedule, "canceled", "canceled_at")
        world.emit("subscription_schedule.aborted", schedule)
    else:
        cancel(world, schedule)


def _end(world: World, schedule: Object, status: str, stamp: str) -> None:
    world.store.edit(schedule)
    schedule["status"], schedule["current_phase"] = status, None
    schedule[stamp] = world.now(schedule["_clock"])
    for kind in ("enter_phase", "schedule_expiring"):
        world.deadlines.clear(kind, schedule)
