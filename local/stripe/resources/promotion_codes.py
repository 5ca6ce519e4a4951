"""Promotion codes (https://docs.stripe.com/api/promotion_codes): words that customers type for a coupon."""

import string
from typing import Any

from stripe import params as sdk

from ..billing import redemption
from ..protocol.errors import invalid
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
CREATE = """active code customer expires_at max_redemptions metadata promotion restrictions.first_time_transaction
    restrictions.minimum_amount restrictions.minimum_amount_currency"""
LETTERS = string.ascii_uppercase + string.digits


def register(routes: Routes) -> None:
    path = "/v1/promotion_codes"
    routes.add("POST", path, create, sdk.PromotionCodeCreateParams, CREATE)
    routes.add("GET", path, list_, sdk.PromotionCodeListParams, f"active code coupon created customer {PAGING}")
    routes.add("GET", path + "/{id}", retrieve, sdk.PromotionCodeRetrieveParams)
    routes.add("POST", path + "/{id}", update, sdk.PromotionCodeUpdateParams, "active metadata")


def create(world: World, params: Object) -> Object:
    given = params["promotion"].get("coupon")
    if not given:
        raise invalid("Missing required param: promotion[coupon].", "promotion[coupon]", "parameter_missing")
    coupon = redemption.find(world, given, "promotion[coupon]")
    _refuse(params, coupon)
    customer = params.get("customer")
    if customer:
        world.find("customer", customer, "customer")
    code = params.get("code") or "".join(world.draw.choices(LETTERS, k=8))
    active = params.get("active", True)
    if active:
        _refuse_double(world, code, customer)
    limits = params.get("restrictions", {})
    currency = limits.get("minimum_amount_currency")
    promotion: Object = {
        "id": world.new_id("promo"),
        "object": "promotion_code",
        "_code": code.upper(),
        "active": active and coupon["valid"],
        "code": code,
        "created": world.now(None),
        "customer": customer,
        "customer_account": None,
        "expires_at": params.get("expires_at", coupon["redeem_by"]),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "promotion": {"coupon": coupon["id"], "type": "coupon"},
        "restrictions": {
            "first_time_transaction": limits.get("first_time_transaction", False),
            "minimum_amount": limits.get("minimum_amount"),
            "minimum_amount_currency": currency.lower() if currency else None,
        },
        "times_redeemed": 0,
    }
    world.store.put(promotion)
    if promotion["expires_at"]:
        world.deadlines.set("expire_promotion_code", promotion, promotion["expires_at"])
    world.emit("promotion_code.created", promotion)
    return promotion


def _refuse(params: Object, coupon: Object) -> None:
    if not coupon["valid"]:
        raise invalid("The coupon is no longer valid.", "promotion[coupon]")
    code = params.get("code", "")
    if not all(one in string.ascii_letters + string.digits + "-_" for one in code):
        raise invalid("Promotion codes can only contain letters, digits, dashes and underscores.", "code")
    limits = params.get("restrictions", {})
    if ("minimum_amount" in limits) is not ("minimum_amount_currency" in limits):
        message = "You must pass minimum_amount and minimum_amount_currency together."
        raise invalid(message, "restrictions[minimum_amount_currency]")
    most, asked = coupon["max_redemptions"], params.get("max_redemptions")
    if most and asked and asked > most:
        raise invalid("max_redemptions can't be greater than the coupon's max_redemptions.", "max_redemptions")
    last, expires = coupon["redeem_by"], params.get("expires_at")
    if last and expires and expires > last:
        raise invalid("expires_at can't be later than the coupon's redeem_by.", "expires_at")


def _refuse_double(world: World, code: str, customer: str | None) -> None:
    if any(one["customer"] in (None, customer) or customer is None for one in active_with(world, code)):
        raise invalid(f"An active promotion code with `code: {code}` already exists.", "code")


def active_with(world: World, code: str) -> list[Object]:
    """Active codes of this text; upper and lower case are the same."""
    return [one for one in world.store.where("promotion_code", "_code", code.upper()) if one["active"]]


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("promotion_code", id, "promotion_code")


def update(world: World, id: str, params: Object) -> Object:
    promotion = world.find("promotion_code", id, "promotion_code")
    with world.changing(promotion, "promotion_code.updated"):
        if params.get("active") and not promotion["active"]:
            _refuse_reviving(world, promotion)
        if "active" in params:
            promotion["active"] = params["active"]
        if "metadata" in params:
            promotion["metadata"] = merged_metadata(promotion["metadata"], params["metadata"])
    return promotion


def _refuse_reviving(world: World, promotion: Object) -> None:
    coupon = world.store.get(promotion["promotion"]["coupon"])
    used_up = promotion["max_redemptions"] and promotion["times_redeemed"] >= promotion["max_redemptions"]
    expired = promotion["expires_at"] and promotion["expires_at"] <= world.now(None)
    if coupon is None or not coupon["valid"] or used_up or expired:
        raise invalid("This promotion code cannot be activated: it or its coupon is used up or expired.", "active")
    _refuse_double(world, promotion["code"], promotion["customer"])


def expire(world: World, promotion: Object) -> None:
    with world.changing(promotion, "promotion_code.updated"):
        promotion["active"] = False


def list_(world: World, params: Object) -> Object:
    same, coupon, code = matching(params, "active", "customer"), params.get("coupon"), params.get("code")
    store = world.store
    found = store.where("promotion_code", "_code", code.upper()) if code else store.all("promotion_code")
    return page(
        found,
        params,
        "/v1/promotion_codes",
        lambda one: same(one) and (coupon is None or one["promotion"]["coupon"] == coupon),
    )
