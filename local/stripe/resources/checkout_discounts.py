"""A coupon or promotion code on a checkout session (https://docs.stripe.com/payments/checkout/discounts)."""

from typing import Any

from ..billing import redemption
from ..billing.redemption import Sale
from ..billing.reductions import reductions
from ..protocol.errors import invalid
from ..world import World
from . import checkout_lines, promotion_codes

Object = dict[str, Any]
UNKNOWN = "This code is invalid."


def at_creation(world: World, session: Object, params: Object) -> None:
    """What the call that opens the session gives it."""
    entries = params.get("discounts", [])
    if entries and "allow_promotion_codes" in params:
        message = "You may only specify one of these parameters: allow_promotion_codes, discounts."
        raise invalid(message, "allow_promotion_codes", "parameters_exclusive")
    if len(entries) > 1:
        raise invalid("You may only specify one discount.", "discounts")
    if entries and session["mode"] == "setup":
        raise invalid("You can not pass `discounts` in `setup` mode.", "discounts")
    if entries:
        _apply(world, session, entries[0], "discounts[0]")


def apply_code(world: World, session: Object, code: str) -> None:
    """What the customer typed on the page of an open session; it takes the place of an earlier code.

    Raises Stripe's 400 when codes are not allowed here, or this one is unknown, expired or not for this customer or
    sum; its message is fit to be shown.
    """
    if not session["allow_promotion_codes"] or session["status"] != "open":
        raise invalid("This session takes no promotion codes.", "promotion_code")
    customer = session["customer"]
    fitting = [one for one in promotion_codes.active_with(world, code.strip()) if one["customer"] in (None, customer)]
    if not fitting:
        raise invalid(UNKNOWN, "promotion_code")
    own = next((one for one in fitting if one["customer"]), fitting[0])
    _apply(world, session, {"promotion_code": own["id"]}, "promotion_code")


def remove_code(world: World, session: Object) -> None:
    """The customer takes the code back."""
    world.store.edit(session)["discounts"] = []
    _price(session, None)


def _apply(world: World, session: Object, entry: Object, param: str) -> None:
    coupon, promotion = redemption.chosen(world, entry, param)
    customer = world.store.get(session["customer"] or "")
    sale = Sale(customer, session["currency"], session["amount_subtotal"], world.now(session["_clock"]))
    redemption.refuse_unless_redeemable(world, coupon, promotion, sale, param)
    shown = {"coupon": None, "promotion_code": promotion["id"]} if promotion else {"coupon": coupon["id"]}
    world.store.edit(session)["discounts"] = [{"promotion_code": None, **shown}]
    _price(session, coupon)
    checkout_lines.refuse_too_little(session)


def _price(session: Object, coupon: Object | None) -> None:
    lines, currency = session["_lines"], session["currency"]
    parts = [(line["amount_subtotal"], line["price"]["product"]) for line in lines]
    off = [0] * len(parts)
    if coupon:
        off = reductions({"_terms": coupon, "_products": coupon["_products"]}, currency, parts)
    for line, amount in zip(lines, off, strict=True):
        line["amount_discount"], line["amount_total"] = amount, line["amount_subtotal"] - amount
    session["amount_total"] = session["amount_subtotal"] - sum(off)
    session["total_details"] = {**session["total_details"], "amount_discount": sum(off)}


def carried(session: Object) -> Object:
    """The parameters with which the subscription of a completed session begins."""
    given = [{name: id for name, id in one.items() if id} for one in session["discounts"]]
    return {"discounts": given, "_checkout_session": session["id"]} if given else {}


def redeem(world: World, session: Object, customer: Object | None) -> None:
    """A session that was paid once has used its code."""
    sale = Sale(customer, session["currency"], session["amount_subtotal"], world.now(session["_clock"]))
    for entry in session["discounts"]:
        redemption.redeem(world, sale, entry, "discounts", checkout_session=session["id"])
