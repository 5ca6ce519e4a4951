"""Coupons (https://docs.stripe.com/api/coupons)."""

from typing import Any

from stripe import params as sdk

from ..billing import redemption
from ..protocol.errors import invalid
from ..protocol.expansion import includable
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
CREATE = """amount_off applies_to.products currency duration duration_in_months id max_redemptions metadata name
    percent_off redeem_by"""


def register(routes: Routes) -> None:
    path = "/v1/coupons"
    routes.add("POST", path, create, sdk.CouponCreateParams, CREATE)
    routes.add("GET", path, list_, sdk.CouponListParams, f"created {PAGING}")
    routes.add("GET", path + "/{id}", retrieve, sdk.CouponRetrieveParams)
    routes.add("POST", path + "/{id}", update, sdk.CouponUpdateParams, "metadata name")
    routes.add("DELETE", path + "/{id}", delete, None)


def create(world: World, params: Object) -> Object:
    _refuse(params)
    id = params.get("id") or world.new_id("", 8)[1:]
    known = world.store.get(id)
    if known and not known.get("_gone"):
        raise invalid("Coupon already exists.", "id", "resource_already_exists")
    products = params.get("applies_to", {}).get("products", [])
    for product in products:
        world.find("product", product, "applies_to[products]")
    coupon: Object = {
        "id": id,
        "object": "coupon",
        "_products": products,
        "amount_off": params.get("amount_off"),
        "created": world.now(None),
        "currency": params["currency"].lower() if "amount_off" in params else None,
        "duration": params.get("duration", "once"),
        "duration_in_months": params.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "name": params.get("name") or None,
        "percent_off": params.get("percent_off"),
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    world.store.put(coupon)
    if coupon["redeem_by"]:
        world.deadlines.set("expire_coupon", coupon, coupon["redeem_by"])
    world.emit("coupon.created", coupon)
    return coupon


def _refuse(params: Object) -> None:
    amount, percent, duration = params.get("amount_off"), params.get("percent_off"), params.get("duration", "once")
    if (amount is None) is (percent is None):
        raise invalid("You must pass exactly one of percent_off and amount_off to create a coupon.", "percent_off")
    if amount is not None and "currency" not in params:
        raise invalid("You must pass currency when passing amount_off", "currency", "parameter_missing")
    if amount is not None and amount < 1:
        raise invalid("Invalid integer: must be greater than or equal to 1", "amount_off", "parameter_invalid_integer")
    if percent is not None and not 0 < percent <= 100:
        raise invalid("Invalid decimal: must be greater than 0 and less than or equal to 100", "percent_off")
    if duration == "repeating" and not params.get("duration_in_months", 0) > 0:
        message = "You must pass duration_in_months when passing a duration of 'repeating'"
        raise invalid(message, "duration_in_months", "parameter_missing")
    if duration != "repeating" and "duration_in_months" in params:
        raise invalid("You can only pass duration_in_months when duration is 'repeating'", "duration_in_months")
    if params.get("max_redemptions", 1) < 1:
        raise invalid("Invalid integer: must be greater than or equal to 1", "max_redemptions")
    if len(params.get("name", "")) > 40:
        raise invalid("Invalid string: name must be at most 40 characters", "name")


@includable("coupon", "applies_to")
def applies_to(world: World, coupon: Object) -> Object | None:
    return {"products": coupon["_products"]} if coupon.get("_products") else None


def retrieve(world: World, id: str, params: Object) -> Object:
    return redemption.find(world, id, "coupon")


def update(world: World, id: str, params: Object) -> Object:
    coupon = redemption.find(world, id, "coupon")
    with world.changing(coupon, "coupon.updated"):
        if "name" in params:
            coupon["name"] = params["name"] or None
        if "metadata" in params:
            coupon["metadata"] = merged_metadata(coupon["metadata"], params["metadata"])
    return coupon


def delete(world: World, id: str, params: Object) -> Object:
    """Nobody can redeem it any more; discounts that were made with it stay."""
    coupon = redemption.find(world, id, "coupon")
    world.deadlines.clear("expire_coupon", coupon)
    world.store.edit(coupon)
    coupon["_gone"], coupon["valid"] = True, False
    world.emit("coupon.deleted", coupon)
    for code in world.store.all("promotion_code"):
        if code["promotion"]["coupon"] == id:
            with world.changing(code, "promotion_code.updated"):
                code["active"] = False
    return {"id": id, "object": "coupon", "deleted": True}


def expire(world: World, coupon: Object) -> None:
    with world.changing(coupon, "coupon.updated"):
        coupon["valid"] = False


def list_(world: World, params: Object) -> Object:
    kept = [one for one in world.store.all("coupon") if not one.get("_gone")]
    return page(kept, params, "/v1/coupons", matching(params))
