"""A schedule walks its subscription from phase to phase.

https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from functools import partial
from typing import Any

from ..protocol.parameters import merged_metadata
from ..resources import subscription_create, subscription_discounts, subscription_items
from ..world import World
from . import first_invoice, lifecycle, pending_update, periods, plan_change, schedule_end, shortened

Object = dict[str, Any]
UPDATED = "subscription_schedule.updated"
EXPIRES_SOON = 7 * 86400


def current(schedule: Object) -> int:
    start = schedule["current_phase"]["start_date"]
    return next(place for place, phase in enumerate(schedule["phases"]) if phase["start_date"] == start)


def advance(world: World, schedule: Object) -> None:
    """A phase is over: begin, enter the next, or end."""
    if schedule["status"] == "not_started":
        start(world, schedule)
    elif schedule["status"] == "active":
        following = current(schedule) + 1
        if following < len(schedule["phases"]):
            enter(world, schedule, schedule["phases"][following])
        elif schedule["end_behavior"] == "release":
            schedule_end.release(world, schedule)


def expiring(world: World, schedule: Object) -> None:
    world.emit("subscription_schedule.expiring", schedule)


def start(world: World, schedule: Object) -> None:
    """The first phase makes the subscription; its invoice is a draft for an hour, as at a renewal."""
    phase = schedule["phases"][0]
    customer = world.store.objects[schedule["customer"]]
    if customer.get("deleted"):
        schedule_end.cancel(world, schedule)
        return
    given: Object = {"items": [_wanted(item) for item in phase["items"]], "metadata": phase["metadata"] or {}}
    chosen = phase["default_payment_method"] or schedule["default_settings"]["default_payment_method"]
    given |= {"default_payment_method": chosen} if chosen else {}
    given |= {"trial_end": phase["trial_end"]} if phase["trial_end"] else {}
    given |= {"discounts": [_named(entry) for entry in phase["discounts"]]} if phase["discounts"] else {}
    subscription = subscription_create.begin(world, customer, given, schedule=schedule["id"])
    with world.changing(schedule, UPDATED):
        schedule["subscription"], schedule["status"] = subscription["id"], "active"
        world.store.reindex(schedule)
        _stand_in(schedule, phase)
    plan_end(world, schedule)


def _stand_in(schedule: Object, phase: Object) -> None:
    schedule["current_phase"] = {"end_date": phase["end_date"], "start_date": phase["start_date"]}


def _wanted(item: Object) -> Object:
    return {"price": item["price"], "quantity": item["quantity"], "metadata": item["metadata"]}


def enter(world: World, schedule: Object, phase: Object) -> None:
    with world.changing(schedule, UPDATED):
        _stand_in(schedule, phase)
    subscription = world.store.objects[schedule["subscription"]]
    pending_update.expire(world, subscription)
    given: Object = {"items": changes(subscription, phase), "proration_behavior": phase["proration_behavior"]}
    given |= {"trial_end": phase["trial_end"]} if phase["trial_end"] else {}
    given |= {"billing_cycle_anchor": {"type": "now"}} if phase["billing_cycle_anchor"] == "phase_start" else {}
    if world.now(subscription["_clock"]) < periods.period(subscription)[1] or phase["trial_end"]:
        shape(world, subscription, phase, given)
    else:
        lifecycle.end_period(world, subscription, partial(_change_at_boundary, world, subscription, phase, given))
    plan_end(world, schedule)


def change_running(world: World, subscription: Object, phase: Object, proration: str) -> None:
    """The phase that runs was edited."""
    shape(world, subscription, phase, {"items": changes(subscription, phase), "proration_behavior": proration})


def shape(world: World, subscription: Object, phase: Object, given: Object) -> None:
    """Make the subscription what the phase says; in the middle of a period that is prorated as the phase says."""
    with world.changing(subscription, "customer.subscription.updated"):
        differs = given["items"] or given.keys() & {"trial_end", "billing_cycle_anchor"}
        invoice = plan_change.apply(world, subscription, given) if differs else None
        _dress(world, subscription, phase)
        lifecycle.schedule(world, subscription)
    if invoice:
        first_invoice.issue_unattended(world, subscription, invoice)


def _dress(world: World, subscription: Object, phase: Object) -> None:
    if phase["metadata"]:
        subscription["metadata"] = merged_metadata(subscription["metadata"], phase["metadata"])
    for name in ("default_payment_method", "description"):
        subscription[name] = phase[name] or subscription[name]
    wanted = _discounts(world, subscription, phase)
    if [entry.get("discount") for entry in wanted] != subscription["discounts"]:
        subscription_discounts.change(world, subscription, {"discounts": wanted or ""})


def _discounts(world: World, subscription: Object, phase: Object) -> list[Object]:
    """Those of the phase and no others; one that is over stays over, one that is there is not redeemed again."""
    there = [world.store.objects[id] for id in subscription["discounts"]]
    wanted = []
    for entry in map(_named, phase["discounts"]):
        known = next((one for one in there if _from(one, entry)), None)
        if known:
            wanted.append({"discount": known["id"]})
        elif "discount" not in entry or not world.store.objects[entry["discount"]].get("_over"):
            wanted.append(entry)
    return wanted


def _from(discount: Object, entry: Object) -> bool:
    origins = {"coupon": discount["source"]["coupon"], "promotion_code": discount["promotion_code"]}
    return bool({"discount": discount["id"], **origins}[next(iter(entry))] == next(iter(entry.values())))


def _named(entry: Object) -> Object:
    return {name: id for name, id in entry.items() if id}


def _change_at_boundary(world: World, subscription: Object, phase: Object, given: Object) -> None:
    """Nothing is left to prorate; the renewal bills the new items."""
    _dress(world, subscription, phase)
    old = subscription["items"]["data"][0]["price"]["recurring"]
    subscription_items.change(world, subscription, given["items"])
    new = subscription["items"]["data"][0]["price"]["recurring"]
    if old != new or "billing_cycle_anchor" in given:
        subscription["billing_cycle_anchor"] = periods.period(subscription)[1]


def look_ahead(world: World, subscription: Object) -> None:
    """For a preview of the renewal: enter the phase that begins with it."""
    schedule = world.store.get(subscription["schedule"] or "")
    if schedule is None or schedule["current_phase"]["end_date"] != periods.period(subscription)[1]:
        return
    for phase in schedule["phases"][current(schedule) + 1 :][:1]:
        given: Object = {"items": changes(subscription, phase)}
        _change_at_boundary(world, subscription, phase, given)


def changes(subscription: Object, phase: Object) -> list[Object]:
    """What turns the subscription's items into the phase's: the same price stays, another one takes its place."""
    left, wanted, entries = list(subscription["items"]["data"]), [], []
    for item in phase["items"]:
        same = next((one for one in left if one["price"]["id"] == item["price"]), None)
        if same is None:
            wanted.append(_wanted(item))
            continue
        left.remove(same)
        if same["quantity"] != item["quantity"]:
            entries.append({"id": same["id"], "quantity": item["quantity"]})
    for entry in wanted:
        entries.append({"id": left.pop(0)["id"], **entry} if left else entry)
    return entries + [{"id": one["id"], "deleted": True} for one in left]


def plan_end(world: World, schedule: Object) -> None:
    """When the next phase comes, and whether the subscription ends with this one."""
    last, phase = schedule["phases"][-1], schedule["phases"][current(schedule)]
    world.deadlines.set("enter_phase", schedule, phase["end_date"])
    if last["end_date"] - EXPIRES_SOON > world.now(schedule["_clock"]):
        world.deadlines.set("schedule_expiring", schedule, last["end_date"] - EXPIRES_SOON)
    subscription = world.store.objects[schedule["subscription"]]
    ends = last["end_date"] if phase is last and schedule["end_behavior"] == "cancel" else None
    if ends == subscription["cancel_at"] or not (ends or subscription.get("_ended_by_schedule")):
        return
    with world.changing(subscription, "customer.subscription.updated"):
        shortened.mend(world, subscription)
        subscription["cancel_at"], subscription["_ended_by_schedule"] = ends, bool(ends)
        subscription["canceled_at"] = world.now(schedule["_clock"]) if ends else None
        shortened.cut(world, subscription, {"proration_behavior": phase["proration_behavior"]})
    lifecycle.schedule(world, subscription)
