"""Tax on a checkout session (https://docs.stripe.com/tax/checkout): the page asks where the customer is."""

from typing import Any

from ..billing import taxing
from ..protocol.errors import invalid
from ..world import World
from . import customers

Object = dict[str, Any]
SAVES = ("address", "shipping")
NO_PLACE = (
    "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the "
    "Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto' to save the "
    "address entered in Checkout to the Customer."
)


def at_creation(world: World, session: Object, params: Object) -> None:
    update, customer = params.get("customer_update", {}), world.store.get(session["customer"] or "")
    if update and customer is None:
        raise invalid("`customer_update` can only be used with `customer`.", "customer_update")
    if not params.get("automatic_tax", {}).get("enabled"):
        return
    session["_saves_address"] = customer is None or any(update.get(name) == "auto" for name in SAVES)
    country = taxing.country_of(customer, None) if customer else None
    if country is None and not session["_saves_address"]:
        raise invalid(NO_PLACE, "automatic_tax", "customer_tax_location_invalid")
    session["automatic_tax"] = {"enabled": True, "liability": {"type": "self"}, "provider": "stripe", "status": None}
    _calculate(world, session, country)


def settle(world: World, session: Object, customer: Object | None, method: Object | None, given: Object) -> None:
    """The customer pressed the button and has said where they are: the card's country unless they gave another."""
    if not session["automatic_tax"]["enabled"] or customer is None:
        return
    if session["_saves_address"]:
        face, typed = (method or {}).get("card") or {}, given.get("address") or {}
        country = typed.get("country") or face.get("country") or "US"
        place = {name: value for name, value in typed.items() if value} | {"country": country}
        if country == "US":
            place.setdefault("postal_code", "94103")
        known = customers.update(world, customer["id"], {"address": place})
        session["_given"] = {**given, "address": known["address"]}
    _calculate(world, session, taxing.country_of(customer, method))


def _calculate(world: World, session: Object, country: str | None) -> None:
    session["automatic_tax"]["status"] = "complete" if country else "requires_location_inputs"
    for line in session["_lines"]:
        amount, behavior = line["amount_subtotal"] - line["amount_discount"], taxing.behavior_of(line["price"])
        line["amount_tax"] = taxing.tax_on(world, country, amount, behavior) if country else 0
        line["amount_total"] = amount + (line["amount_tax"] if behavior == "exclusive" else 0)
    session["amount_total"] = sum(line["amount_total"] for line in session["_lines"])
    taxes = sum(line["amount_tax"] for line in session["_lines"])
    session["total_details"] = {**session["total_details"], "amount_tax": taxes}


def carried(session: Object) -> Object:
    """The parameters with which the subscription of a completed session begins."""
    return {"automatic_tax": {"enabled": True}} if session["automatic_tax"]["enabled"] else {}
