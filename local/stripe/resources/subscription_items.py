"""Subscription items (https://docs.stripe.com/api/subscription_items): read here, changed through the subscription."""

from typing import Any

from stripe import params as sdk

from ..protocol.errors import invalid, missing, not_emulated
from ..protocol.lists import page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World
from . import prices

Object = dict[str, Any]
EMULATED = " ".join(f"items.{name}" for name in ("price", "price_data", "quantity", "metadata"))


def register(routes: Routes) -> None:
    routes.add("GET", "/v1/subscription_items", list_, sdk.SubscriptionItemListParams)
    routes.add("GET", "/v1/subscription_items/{id}", retrieve, sdk.SubscriptionItemRetrieveParams)


def list_(world: World, params: Object) -> Object:
    subscription = world.find("subscription", params["subscription"], "subscription")
    return page(subscription["items"]["data"], params, "/v1/subscription_items")


def retrieve(world: World, id: str, params: Object) -> Object:
    return dict(owner(world, id)[1])


def owner(world: World, id: str) -> tuple[Object, Object]:
    """The subscription that has this item, and the item."""
    for subscription in world.store.all("subscription"):
        for item in subscription["items"]["data"]:
            if item["id"] == id:
                return subscription, item
    raise missing("subscription_item", id)


def price_of(world: World, given: Object, param: str) -> Object:
    if "price_data" in given:
        price = prices.inline(world, given["price_data"])
    elif "price" in given:
        price = world.find("price", given["price"], f"{param}[price]")
        if not price["active"] and not given.get("_agreed"):
            raise invalid("The price specified is inactive. This field only accepts active prices.", f"{param}[price]")
    else:
        raise invalid(f"Missing required param: {param}[price].", f"{param}[price]", "parameter_missing")
    if price["type"] != "recurring":
        message = "The price specified is set to `type=one_time` but this field only accepts prices with "
        raise invalid(message + "`type=recurring`.", f"{param}[price]")
    return price


def new(world: World, subscription: Object, given: Object, position: int) -> Object:
    price = price_of(world, given, f"items[{position}]")
    subscription["currency"] = subscription["currency"] or price["currency"]
    if price["currency"] != subscription["currency"]:
        raise invalid("All prices on a subscription must use the same currency.", f"items[{position}][price]")
    item: Object = {
        "id": world.new_id("si", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": world.now(subscription["_clock"]),
        "current_period_end": 0,
        "current_period_start": 0,
        "current_trial": None,
        "discounts": [],
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "subscription": subscription["id"],
        "tax_rates": [],
    }
    _price(item, price)
    item["quantity"] = _quantity(given, 1, position)
    return item


def _price(item: Object, price: Object) -> None:
    item["price"] = {name: value for name, value in price.items() if name[0] != "_"}
    item["plan"] = prices.as_plan(price)


def _quantity(given: Object, default: int, position: int) -> int:
    quantity = given.get("quantity", default)
    if quantity < 0:
        raise invalid("Invalid integer: must be greater than or equal to 0", f"items[{position}][quantity]")
    return int(quantity)


def change(world: World, subscription: Object, given: list[Object]) -> None:
    """An entry with an ``id`` changes that item, one without adds another; ``deleted`` removes."""
    items = [dict(item) for item in subscription["items"]["data"]]
    period = {name: items[0][name] for name in ("current_period_start", "current_period_end")}
    by_id = {item["id"]: item for item in items}
    for position, entry in enumerate(given):
        item = by_id.get(entry.get("id", ""))
        if "id" in entry and item is None:
            raise missing("subscription_item", entry["id"], f"items[{position}][id]")
        if item is None:
            refuse_double(items, entry, position)
            items.append({**new(world, subscription, entry, position), **period})
        elif entry.get("deleted"):
            items.remove(item)
        else:
            _change(world, item, entry, position)
    if not items:
        raise invalid("A subscription must have at least one active item.", "items")
    same_interval(items)
    subscription["items"] = {**subscription["items"], "data": items}


def refuse_double(items: list[Object], entry: Object, position: int) -> None:
    if any(item["price"]["id"] == entry.get("price") for item in items):
        message = f"Cannot add multiple subscription items with the same plan: {entry['price']}"
        raise invalid(message, f"items[{position}][price]")


def _change(world: World, item: Object, entry: Object, position: int) -> None:
    if ("price" in entry or "price_data" in entry) and entry.get("price") != item["price"]["id"]:
        _price(item, price_of(world, entry, f"items[{position}]"))
    item["quantity"] = _quantity(entry, item["quantity"], position)
    if "metadata" in entry:
        item["metadata"] = merged_metadata(item["metadata"], entry["metadata"])


def same_interval(items: list[Object]) -> None:
    seen = {(item["price"]["recurring"]["interval"], item["price"]["recurring"]["interval_count"]) for item in items}
    if len(seen) > 1:
        raise not_emulated("A subscription whose prices have different intervals", "items")
