"""Prices (https://docs.stripe.com/api/prices) and the plans that old fields still show."""

from decimal import Decimal
from typing import Any

from stripe import params as sdk

from ..protocol.errors import StripeError, invalid, not_emulated
from ..protocol.expansion import includable
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..protocol.search import search as search_page
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
CREATE = """active billing_scheme currency lookup_key metadata nickname product product_data recurring.interval
    recurring.interval_count recurring.trial_period_days recurring.usage_type tax_behavior transfer_lookup_key
    unit_amount unit_amount_decimal"""
LIST = f"active created currency lookup_keys product recurring.interval recurring.usage_type type {PAGING}"
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
"""Three years at most (https://docs.stripe.com/api/prices/create#create_price-recurring-interval_count)."""


def register(routes: Routes) -> None:
    routes.add("POST", "/v1/prices", create, sdk.PriceCreateParams, CREATE)
    routes.add("GET", "/v1/prices", list_, sdk.PriceListParams, LIST)
    routes.add("GET", "/v1/prices/search", search, sdk.PriceSearchParams)
    routes.add("GET", "/v1/prices/{id}", retrieve, sdk.PriceRetrieveParams)
    routes.add(
        "POST",
        "/v1/prices/{id}",
        update,
        sdk.PriceUpdateParams,
        "active lookup_key metadata nickname tax_behavior transfer_lookup_key",
    )


def create(world: World, params: Object) -> Object:
    product = _product(world, params)
    recurring = params.get("recurring")
    amount, exact = _amount(params)
    price: Object = {
        "id": world.new_id("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": params.get("billing_scheme", "per_unit"),
        "created": world.now(None),
        "currency": params["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "nickname": params.get("nickname"),
        "product": product,
        "recurring": _recurring(recurring) if recurring else None,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": exact,
    }
    _take_lookup_key(world, price, params)
    world.store.put(price)
    world.emit("price.created", price)
    return price


def _product(world: World, params: Object) -> str:
    from . import products

    if "product_data" in params:
        data = params["product_data"]
        known = {key: data[key] for key in ("id", "active", "metadata", "name", "unit_label") if key in data}
        return str(products.create(world, known)["id"])
    if "product" not in params:
        raise StripeError(400, "Missing required param: product.", code="parameter_missing", param="product")
    return str(world.find("product", params["product"], "product")["id"])


def _amount(params: Object) -> tuple[int | None, str]:
    if "unit_amount" in params and "unit_amount_decimal" in params:
        raise invalid("You may only specify one of these parameters: unit_amount, unit_amount_decimal.")
    exact = params.get("unit_amount_decimal", params.get("unit_amount"))
    if exact is None:
        raise invalid("Missing required param: unit_amount.", "unit_amount", "parameter_missing")
    amount = Decimal(str(exact))
    if amount < 0:
        raise invalid("Invalid integer: must be greater than or equal to 0", "unit_amount", "parameter_invalid_integer")
    return (int(amount) if amount == int(amount) else None), str(exact)


def _recurring(given: Object) -> Object:
    interval, count = given["interval"], given.get("interval_count", 1)
    if not 1 <= count <= LONGEST[interval]:
        raise invalid(f"Invalid interval count: {count}", "recurring[interval_count]")
    if given.get("usage_type") == "metered":
        raise not_emulated("Metered usage", "recurring[usage_type]")
    return {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": "licensed",
    }


def _take_lookup_key(world: World, price: Object, params: Object) -> None:
    """Only one price has a lookup key, unless it is transferred (``transfer_lookup_key``)."""
    if "lookup_key" not in params:
        return
    key = params["lookup_key"] or None
    for other in world.store.all("price"):
        if key and other["lookup_key"] == key and other["id"] != price["id"]:
            if not params.get("transfer_lookup_key"):
                message = f"A price (`{other['id']}`) already uses that lookup key."
                raise invalid(message, "lookup_key", "lookup_key_already_in_use")
            with world.changing(other, "price.updated"):
                other["lookup_key"] = None
    price["lookup_key"] = key


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("price", id)


def update(world: World, id: str, params: Object) -> Object:
    price = world.find("price", id)
    with world.changing(price, "price.updated"):
        _take_lookup_key(world, price, params)
        if "metadata" in params:
            price["metadata"] = merged_metadata(price["metadata"], params["metadata"])
        for name in ("active", "nickname", "tax_behavior"):
            if name in params:
                price[name] = params[name] if params[name] != "" else None
    return price


def list_(world: World, params: Object) -> Object:
    keys, recurring = params.get("lookup_keys"), params.get("recurring", {})
    same = matching(params, "active", "currency", "product", "type")

    def keep(one: Object) -> bool:
        if keys is not None and one["lookup_key"] not in keys:
            return False
        return same(one) and all((one["recurring"] or {}).get(name) == value for name, value in recurring.items())

    return page(world.store.all("price"), params, "/v1/prices", keep)


def search(world: World, params: Object) -> Object:
    fields = ("active", "currency", "lookup_key", "product", "type")
    return search_page(world.store.all("price"), params, "/v1/prices/search", fields)


def inline(world: World, data: Object) -> Object:
    """``price_data`` makes a price that is never offered again."""
    return create(world, {**data, "active": False})


def as_plan(price: Object) -> Object:
    """The deprecated ``plan`` of a subscription item shows its price in the old form."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": "licensed",
    }


@includable("price", "currency_options")
def currency_options(_: World, price: Object) -> Object:
    """Of its one currency: more than one are not emulated."""
    names = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
    return {price["currency"]: {name: price[name] for name in names}}
