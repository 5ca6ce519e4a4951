"""Test clocks (https://docs.stripe.com/api/test_clocks)."""

from typing import Any

from stripe.params import test_helpers as sdk

from ..billing.periods import add_interval
from ..protocol.errors import StripeError, invalid
from ..protocol.lists import page
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
KIND = "test_helpers.test_clock"
PATH = "/v1/test_helpers/test_clocks"
CUSTOMERS, SUBSCRIPTIONS = 3, 3
"""Per clock and per customer (https://docs.stripe.com/billing/testing/test-clocks/api-advanced-usage#limitations)."""
DELETED_AFTER = 30 * 86400


def register(routes: Routes) -> None:
    routes.add("POST", PATH, create, sdk.TestClockCreateParams)
    routes.add("GET", PATH, list_, sdk.TestClockListParams)
    routes.add("GET", PATH + "/{id}", retrieve, sdk.TestClockRetrieveParams)
    routes.add("DELETE", PATH + "/{id}", delete, None)
    routes.add("POST", PATH + "/{id}/advance", advance, sdk.TestClockAdvanceParams)


def create(world: World, params: Object) -> Object:
    now, frozen = world.now(None), params["frozen_time"]
    clock: Object = {
        "id": world.new_id("clock"),
        "object": KIND,
        "_now": frozen,
        "created": now,
        "deletes_after": now + DELETED_AFTER,
        "frozen_time": frozen,
        "livemode": False,
        "name": params.get("name"),
        "status": "ready",
        "status_details": {},
    }
    clock["_clock"] = clock["id"]
    world.store.put(clock)
    world.emit("test_helpers.test_clock.created", clock)
    return clock


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find(KIND, id)


def list_(world: World, params: Object) -> Object:
    return page(world.store.all(KIND), params, PATH)


def advance(world: World, id: str, params: Object) -> Object:
    """At most two intervals of the shortest subscription on the clock, or two years without one."""
    clock, target = world.find(KIND, id), params["frozen_time"]
    refuse_while_advancing(world, id)
    if target <= clock["frozen_time"]:
        raise invalid("The frozen_time must be after the current frozen time of the test clock.", "frozen_time")
    if target > _furthest(world, clock):
        message = (
            "The `frozen_time` parameter must be at most two intervals of the shortest subscription on the test clock "
            "from its current frozen time (two years without a subscription)."
        )
        raise invalid(message, "frozen_time")
    world.store.edit(clock)
    clock["status"] = "advancing"
    clock["status_details"] = {"advancing": {"target_frozen_time": target}}
    world.emit("test_helpers.test_clock.advancing", clock)
    return clock


def _furthest(world: World, clock: Object) -> int:
    now, limits = clock["frozen_time"], []
    for subscription in world.store.where("subscription", "_clock", clock["id"]):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            for item in subscription["items"]["data"]:
                recurring = item["price"]["recurring"]
                limits.append(add_interval(now, recurring["interval"], 2 * recurring["interval_count"], now))
    return min(limits, default=add_interval(now, "year", 2, now))


def delete(world: World, id: str, params: Object) -> Object:
    """Everything on the clock goes with it, without events for each."""
    clock = world.find(KIND, id)
    refuse_while_advancing(world, id)
    world.emit("test_helpers.test_clock.deleted", clock)
    for kind in list(world.store.kinds):
        for obj in world.store.where(kind, "_clock", id):
            world.store.delete(obj)
    return {"id": id, "object": KIND, "deleted": True}


def make_room_for_customer(world: World, id: str) -> None:
    world.find(KIND, id, "test_clock")
    refuse_while_advancing(world, id)
    if len([one for one in world.store.where("customer", "_clock", id) if not one.get("deleted")]) >= CUSTOMERS:
        raise invalid(f"A test clock can have at most {CUSTOMERS} customers.", "test_clock")


def make_room_for_subscription(world: World, customer: Object) -> None:
    if customer["_clock"] is None:
        return
    live = [
        one
        for one in world.store.where("subscription", "customer", customer["id"])
        if one["status"] not in ("canceled", "incomplete_expired")
    ]
    if len(live) >= SUBSCRIPTIONS:
        raise invalid(f"A customer on a test clock can have at most {SUBSCRIPTIONS} subscriptions.", "customer")


def refuse_while_advancing(world: World, id: str | None) -> None:
    """Nothing on a clock changes by request while it moves; a caller may try again, as with a lock."""
    clock = world.store.get(id) if id else None
    if clock and clock["status"] == "advancing":
        message = "Test clock advancement underway - cannot perform modifications"
        raise StripeError(429, message, code="lock_timeout", replayable=False)
