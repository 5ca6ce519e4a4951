"""What a customer's subscriptions entitle them to (https://docs.stripe.com/billing/entitlements)."""

from typing import Any

import orjson

from ..protocol.lists import embedded
from ..world import AT_THE_END, World

Object = dict[str, Any]
KIND = "entitlements.active_entitlement"
ENTITLING = ("trialing", "active", "past_due")


def follow(world: World) -> None:
    """At the end of whatever changed a subscription: grant what is new, take what is gone, and say so once."""
    if not world.store.kinds.get("product_feature"):
        return
    customers = {
        orjson.loads(happening.object)["customer"]: None
        for happening in world.happenings
        if happening.type.startswith("customer.subscription.")
    }
    for customer in customers:
        update(world, world.store.objects[customer])


def update(world: World, customer: Object) -> None:
    held = held_by(world, customer["id"])
    before = _summary(world, customer)
    due = _due(world, customer["id"])
    for entitlement in held:
        if entitlement["feature"] not in due:
            world.store.delete(entitlement)
    for feature in due.keys() - {one["feature"] for one in held}:
        world.store.put(_new(world, customer, due[feature]))
    after = _summary(world, customer)
    if before != after:
        previous = {"entitlements": {"data": before["entitlements"]["data"]}}
        world.emit("entitlements.active_entitlement_summary.updated", after, previous)


def held_by(world: World, customer: str) -> list[Object]:
    return world.store.where(KIND, "_customer", customer)


def _due(world: World, customer: str) -> dict[str, Object]:
    products = {
        item["price"]["product"]
        for subscription in world.store.where("subscription", "customer", customer)
        if subscription["status"] in ENTITLING
        for item in subscription["items"]["data"]
    }
    granted = (one for one in world.store.all("product_feature") if one["_product"] in products)
    return {one["entitlement_feature"]["id"]: one["entitlement_feature"] for one in granted}


def _new(world: World, customer: Object, feature: Object) -> Object:
    return {
        "id": world.new_id("ent"),
        "object": KIND,
        "_customer": customer["id"],
        "feature": feature["id"],
        "livemode": False,
        "lookup_key": feature["lookup_key"],
    }


def _summary(world: World, customer: Object) -> Object:
    url = f"/v1/customer/{customer['id']}/entitlements"
    return {
        "object": "entitlements.active_entitlement_summary",
        "_clock": customer.get("_clock"),
        "customer": customer["id"],
        "entitlements": embedded(held_by(world, customer["id"]), url),
        "livemode": False,
    }


AT_THE_END.append(follow)
