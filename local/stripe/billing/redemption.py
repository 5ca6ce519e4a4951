"""A coupon or promotion code becomes a discount (https://docs.stripe.com/billing/subscriptions/coupons)."""

from typing import Any, NamedTuple

from ..protocol.errors import invalid, missing
from ..world import World
from .periods import add_interval

Object = dict[str, Any]
TERMS = ("percent_off", "amount_off", "currency", "duration")


class Sale(NamedTuple):
    """What is sold where a code is redeemed; its restrictions look at that."""

    customer: Object | None
    currency: str | None
    subtotal: int | None
    now: int
    checked: bool = False
    """Its restrictions held when the session began, before its own payment."""


def redeem(world: World, sale: Sale, entry: Object, param: str, **owner: Any) -> Object:
    """A new discount of ``owner`` for a coupon or promotion code; counted at once."""
    coupon, promotion = chosen(world, entry, param)
    refuse_unless_redeemable(world, coupon, promotion, sale, param)
    discount: Object = {
        "id": world.new_id("di"),
        "object": "discount",
        "_clock": sale.customer["_clock"] if sale.customer else None,
        "_products": coupon["_products"],
        "_terms": {name: coupon[name] for name in TERMS},
        "checkout_session": None,
        "customer": sale.customer["id"] if sale.customer else None,
        "customer_account": None,
        "end": _end(coupon, sale.now),
        "invoice": None,
        "invoice_item": None,
        "promotion_code": promotion["id"] if promotion else None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": sale.now,
        "subscription": None,
        "subscription_item": None,
    }
    discount |= owner
    world.store.put(discount)
    _count(world, coupon, "coupon.updated", "valid")
    if promotion:
        _count(world, promotion, "promotion_code.updated", "active")
    return discount


def chosen(world: World, entry: Object, param: str) -> tuple[Object, Object | None]:
    given = [name for name in ("coupon", "promotion_code") if entry.get(name)]
    if len(given) != 1:
        raise invalid("Each discount takes exactly one of coupon, discount and promotion_code.", param)
    if "coupon" in given:
        return find(world, entry["coupon"], f"{param}[coupon]"), None
    promotion = world.find("promotion_code", entry["promotion_code"], f"{param}[promotion_code]")
    if not promotion["active"]:
        raise invalid(f"The promotion code {promotion['id']} is not active.", f"{param}[promotion_code]")
    return find(world, promotion["promotion"]["coupon"], f"{param}[promotion_code]"), promotion


def find(world: World, id: str, param: str) -> Object:
    """A coupon that nobody deleted; a deleted one is kept only for the discounts that name it."""
    coupon = world.find("coupon", id, param)
    if coupon.get("_gone"):
        raise missing("coupon", id, param)
    return coupon


def refuse_unless_redeemable(world: World, coupon: Object, promotion: Object | None, sale: Sale, param: str) -> None:
    expired = coupon["redeem_by"] is not None and coupon["redeem_by"] < sale.now
    if not coupon["valid"] or expired:
        raise invalid(f"Coupon expired: {coupon['id']}", param, "coupon_expired")
    if coupon["currency"] and sale.currency and coupon["currency"] != sale.currency:
        raise invalid(f"The coupon {coupon['id']} can only be used with the currency {coupon['currency']}.", param)
    if promotion and not sale.checked:
        _refuse_promotion(world, promotion, sale, f"{param}[promotion_code]")


def _refuse_promotion(world: World, promotion: Object, sale: Sale, param: str) -> None:
    limits, customer = promotion["restrictions"], sale.customer
    if promotion["expires_at"] is not None and promotion["expires_at"] < sale.now:
        raise invalid("This promotion code has expired.", param, "coupon_expired")
    if promotion["customer"] and (customer is None or promotion["customer"] != customer["id"]):
        raise invalid("This promotion code cannot be redeemed by this customer.", param)
    if limits["first_time_transaction"] and customer and _has_paid(world, customer):
        message = "This promotion code cannot be redeemed because the associated customer has prior transactions."
        raise invalid(message, param)
    least = limits["minimum_amount"]
    same = sale.currency in (None, limits["minimum_amount_currency"])
    if least is not None and sale.subtotal is not None and (sale.subtotal < least or not same):
        raise invalid("This promotion code cannot be redeemed because the minimum amount is not reached.", param)


def _has_paid(world: World, customer: Object) -> bool:
    charges = world.store.where("charge", "customer", customer["id"])
    invoices = world.store.where("invoice", "customer", customer["id"])
    return any(one["paid"] for one in charges) or any(one["amount_paid"] for one in invoices)


def _end(coupon: Object, now: int) -> int | None:
    if coupon["duration"] != "repeating":
        return None
    return add_interval(now, "month", coupon["duration_in_months"], now)


def _count(world: World, redeemed: Object, event: str, usable: str) -> None:
    with world.changing(redeemed, event):
        redeemed["times_redeemed"] += 1
        if redeemed["max_redemptions"] and redeemed["times_redeemed"] >= redeemed["max_redemptions"]:
            redeemed[usable] = False
