"""Discounts of a subscription and its items (https://docs.stripe.com/billing/subscriptions/coupons)."""

from typing import Any

from stripe import params as sdk

from ..billing import discounting, lines
from ..billing.redemption import Sale
from ..protocol.errors import invalid, not_emulated
from ..routing import Routes
from ..world import World, visible
from . import test_clocks

Object = dict[str, Any]
EMULATED = "discounts items.discounts"


def register(routes: Routes) -> None:
    path = "/v1/subscriptions/{id}/discount"
    routes.add("DELETE", path, delete_of_subscription, sdk.SubscriptionDeleteDiscountParams)
    routes.add("DELETE", "/v1/customers/{id}/discount", delete_of_customer, sdk.CustomerDeleteDiscountParams)


def change(world: World, subscription: Object, params: Object) -> None:
    """What a call says of discounts: an array replaces, an empty string clears, an empty array changes nothing."""
    if not mentioned(params):
        return
    session = params.get("_checkout_session")
    sale = _sale(world, subscription, checked=session is not None)
    named = {"subscription": subscription["id"], "checkout_session": session}
    if params.get("discounts") or params.get("discounts") == "":
        discounting.attach(world, subscription, params["discounts"], sale, **named)
    for position, entry in enumerate(params.get("items", [])):
        given = entry.get("discounts")
        if given or given == "":
            param = f"items[{position}][discounts]"
            item = _item(subscription, entry, param)
            discounting.attach(world, item, given, sale, param, **named, subscription_item=item["id"])


def mentioned(params: Object) -> bool:
    return "discounts" in params or any("discounts" in entry for entry in params.get("items", []))


def _item(subscription: Object, entry: Object, param: str) -> Object:
    for item in subscription["items"]["data"]:
        if item["id"] == entry.get("id") or ("id" not in entry and item["price"]["id"] == entry.get("price")):
            found: Object = item
            return found
    raise not_emulated("Discounts of an item that an update adds", param)


def _sale(world: World, subscription: Object, checked: bool) -> Sale:
    customer = world.store.objects[subscription["customer"]]
    items = subscription["items"]["data"]
    subtotal = sum(lines.unit_amount(item["price"]) * item.get("quantity", 1) for item in items)
    return Sale(customer, subscription["currency"], subtotal, world.now(customer["_clock"]), checked)


def delete_of_subscription(world: World, id: str, params: Object) -> Object:
    subscription = world.find("subscription", id, "subscription_exposed_id")
    test_clocks.refuse_while_advancing(world, subscription["_clock"])
    if not subscription["discounts"]:
        raise invalid(f"No active discount for subscription: {id}", None, "resource_missing", 404)
    discount = world.store.objects[subscription["discounts"][-1]]
    discounting.expire(world, discount)
    return _deleted(discount)


def delete_of_customer(world: World, id: str, params: Object) -> Object:
    """At this API version nothing gives a customer a discount any more; an old state may hold one."""
    customer = world.find("customer", id, "customer")
    if not customer["discount"]:
        raise invalid(f"No active discount for customer: {id}", None, "resource_missing", 404)
    discount = world.store.objects[customer["discount"]["id"]]
    discounting.end(world, discount)
    with world.changing(customer, "customer.updated"):
        customer["discount"] = None
    return _deleted(discount)


def _deleted(discount: Object) -> Object:
    shown = visible(discount)
    del shown["end"]
    return {**shown, "deleted": True}
