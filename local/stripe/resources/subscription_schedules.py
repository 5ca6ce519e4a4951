"""Subscription schedules (https://docs.stripe.com/api/subscription_schedules)."""

from typing import Any

from stripe import params as sdk

from ..billing import lifecycle, phases, schedule_end
from ..protocol.errors import invalid
from ..protocol.lists import PAGING, in_range, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World
from . import payment_methods, schedule_object, schedule_phases, subscription_cancel, test_clocks

Object = dict[str, Any]
PATH = "/v1/subscription_schedules"
COMMON = f"default_settings.default_payment_method end_behavior metadata {schedule_phases.EMULATED}"
STAMPS = ("canceled_at", "completed_at", "created", "released_at")


def register(routes: Routes) -> None:
    creates = f"customer from_subscription start_date {COMMON}"
    routes.add("POST", PATH, create, sdk.SubscriptionScheduleCreateParams, creates)
    filters = f"{' '.join(STAMPS)} customer scheduled {PAGING}"
    routes.add("GET", PATH, list_, sdk.SubscriptionScheduleListParams, filters)
    routes.add("GET", PATH + "/{id}", retrieve, sdk.SubscriptionScheduleRetrieveParams)
    updates = f"proration_behavior {COMMON}"
    routes.add("POST", PATH + "/{id}", update, sdk.SubscriptionScheduleUpdateParams, updates)
    routes.add("POST", PATH + "/{id}/cancel", cancel, sdk.SubscriptionScheduleCancelParams)
    routes.add("POST", PATH + "/{id}/release", release, sdk.SubscriptionScheduleReleaseParams)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("subscription_schedule", id)


def create(world: World, params: Object) -> Object:
    _refuse_unknown_ends(params)
    if "from_subscription" in params:
        return _from_subscription(world, params)
    if "customer" not in params or "phases" not in params:
        name = "customer" if "customer" not in params else "phases"
        raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    customer = world.find("customer", params["customer"], "customer")
    test_clocks.refuse_while_advancing(world, customer["_clock"])
    now = world.now(customer["_clock"])
    start = now if params.get("start_date", "now") == "now" else int(params["start_date"])
    if start < now:
        raise invalid("A `start_date` in the past (backdating) is not emulated by the local Stripe.", "start_date")
    schedule = schedule_object.new_schedule(world, customer, params)
    _settle(world, schedule, params)
    schedule["phases"] = schedule_phases.build(world, customer["id"], params["phases"], start, now)
    world.store.put(schedule)
    world.emit("subscription_schedule.created", schedule)
    if start == now:
        phases.start(world, schedule)
    else:
        world.deadlines.set("enter_phase", schedule, start)
    return schedule


def _refuse_unknown_ends(params: Object) -> None:
    if params.get("end_behavior", "release") not in ("release", "cancel"):
        raise invalid("Invalid end_behavior: must be one of release, or cancel", "end_behavior")


def _from_subscription(world: World, params: Object) -> Object:
    others = sorted(params.keys() - {"from_subscription", "metadata"})
    if others:
        raise invalid(f"`{others[0]}` cannot be set if `from_subscription` is set.", others[0])
    subscription = world.find("subscription", params["from_subscription"], "from_subscription")
    test_clocks.refuse_while_advancing(world, subscription["_clock"])
    if subscription["schedule"]:
        message = "You cannot migrate a subscription that is already attached to a schedule: "
        raise invalid(message + subscription["schedule"], "from_subscription")
    if subscription["status"] in (*lifecycle.OVER, "incomplete", "paused"):
        raise invalid(f"You cannot attach a schedule to a subscription that is {subscription['status']}.")
    schedule = schedule_object.new_schedule(world, world.store.objects[subscription["customer"]], params)
    phase = schedule_phases.of_subscription(subscription)
    schedule |= {"phases": [phase], "status": "active", "subscription": subscription["id"]}
    schedule["current_phase"] = {"end_date": phase["end_date"], "start_date": phase["start_date"]}
    schedule["default_settings"]["default_payment_method"] = subscription["default_payment_method"]
    schedule["default_settings"]["automatic_tax"] = dict(subscription["automatic_tax"])
    if subscription["cancel_at"]:
        schedule["end_behavior"], world.store.edit(subscription)["_ended_by_schedule"] = "cancel", True
    world.store.put(schedule)
    world.emit("subscription_schedule.created", schedule)
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["schedule"] = schedule["id"]
        subscription["cancel_at_period_end"] = False
    phases.plan_end(world, schedule)
    return schedule


def _settle(world: World, schedule: Object, params: Object) -> None:
    chosen = params.get("default_settings", {}).get("default_payment_method")
    if chosen:
        param = "default_settings[default_payment_method]"
        payment_methods.owned(world, chosen, schedule["customer"], param)
        settings = {**schedule["default_settings"], "default_payment_method": chosen}
        schedule["default_settings"] = settings


def _live(world: World, id: str, verb: str) -> Object:
    schedule = world.find("subscription_schedule", id)
    test_clocks.refuse_while_advancing(world, schedule["_clock"])
    if schedule["status"] not in schedule_end.LIVE:
        message = f"You cannot {verb} a subscription schedule that is currently in the `{schedule['status']}` status."
        raise invalid(f"{message} It must be in `not_started` or `active`.")
    return schedule


def update(world: World, id: str, params: Object) -> Object:
    """Phases are replaced as a whole; a change of the one that runs is made at once."""
    schedule = _live(world, id, "update")
    _refuse_unknown_ends(params)
    with world.changing(schedule, phases.UPDATED):
        if "metadata" in params:
            schedule["metadata"] = merged_metadata(schedule["metadata"], params["metadata"])
        _settle(world, schedule, params)
        schedule["end_behavior"] = params.get("end_behavior", schedule["end_behavior"])
        if "phases" in params:
            _replace_phases(world, schedule, params["phases"])
    if schedule["status"] == "not_started":
        world.deadlines.set("enter_phase", schedule, schedule["phases"][0]["start_date"])
        return schedule
    if "phases" in params:
        subscription = world.store.objects[schedule["subscription"]]
        phase = schedule["phases"][phases.current(schedule)]
        phases.change_running(world, subscription, phase, params.get("proration_behavior", "create_prorations"))
    phases.plan_end(world, schedule)
    if schedule["current_phase"]["end_date"] <= world.now(schedule["_clock"]):
        phases.advance(world, schedule)
    return schedule


def _replace_phases(world: World, schedule: Object, given: list[Object]) -> None:
    now = world.now(schedule["_clock"])
    if not given:
        raise invalid("A schedule must have at least one phase.", "phases", "parameter_invalid_empty")
    first = given[0].get("start_date")
    if first is None:
        message = (
            "The subscription schedule update is missing at least one phase with a `start_date` to anchor end dates "
        )
        raise invalid(message + "to.", "phases")
    start = now if first == "now" else int(first)
    running = schedule["current_phase"]
    starts = [phase["start_date"] for phase in schedule["phases"]]
    if running and (start not in starts or start > running["start_date"]):
        raise invalid("You can not modify the start date of the current phase.", "phases[0][start_date]")
    schedule["phases"] = schedule_phases.build(world, schedule["customer"], given, start, now)
    if running:
        kept = [one for one in schedule["phases"] if one["start_date"] == running["start_date"]]
        if not kept:
            raise invalid("The current phase must be among the phases.", "phases")
        schedule["current_phase"] = {"end_date": kept[0]["end_date"], "start_date": kept[0]["start_date"]}


def cancel(world: World, id: str, params: Object) -> Object:
    """With its subscription, at once; prorated and invoiced unless told otherwise."""
    schedule = _live(world, id, "cancel")
    if schedule["status"] == "active":
        given = {"prorate": params.get("prorate", True), "invoice_now": params.get("invoice_now", True)}
        subscription_cancel.cancel(world, schedule["subscription"], given)
    else:
        schedule_end.cancel(world, schedule)
    return schedule


def release(world: World, id: str, params: Object) -> Object:
    schedule = _live(world, id, "release")
    schedule_end.release(world, schedule, bool(params.get("preserve_cancel_date")))
    subscription = world.store.get(schedule["released_subscription"] or "")
    if subscription:
        lifecycle.schedule(world, subscription)
    return schedule


def list_(world: World, params: Object) -> Object:
    """Those of a customer on a test clock only with ``customer``."""
    customer, store = params.get("customer"), world.store
    found = (
        store.where("subscription_schedule", "customer", customer) if customer else store.all("subscription_schedule")
    )

    def keep(one: Object) -> bool:
        if customer is None and one["_clock"] is not None:
            return False
        if params.get("scheduled") and one["status"] != "not_started":
            return False
        return all(one[name] is not None and in_range(one[name], params[name]) for name in STAMPS if name in params)

    return page(found, params, PATH, keep)
