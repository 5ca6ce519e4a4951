"""Tax by where the customer is (https://docs.stripe.com/tax/calculating): one rate for each country.

Rates are set through ``/_local/settings``; where none is set nothing is collected. Without a place that Stripe can
recognize nothing is calculated (https://docs.stripe.com/tax/customer-locations).
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ..protocol.errors import StripeError, invalid
from ..world import World
from . import discounting, payments

Object = dict[str, Any]
OFF: Object = {"disabled_reason": None, "enabled": False, "liability": None}
ON: Object = {"disabled_reason": None, "enabled": True, "liability": {"type": "self"}}
NEEDS_POSTAL_CODE = ("CA", "US")


def country_of(customer: Object, method: Object | None) -> str | None:
    """The shipping address counts before the billing address, and that before the card; None: not recognized."""
    shipping = (customer["shipping"] or {}).get("address") or {}
    for place in (shipping, customer["address"] or {}):
        if any(place.values()):
            return _recognized(place)
    if method is None:
        return None
    face, billed = method.get("card") or {}, method["billing_details"]["address"] or {}
    return _recognized({**billed, "country": billed.get("country") or face.get("country")})


def _recognized(place: Object) -> str | None:
    country: str | None = place.get("country")
    return None if country in NEEDS_POSTAL_CODE and not place.get("postal_code") else country


def unrecognized() -> StripeError:
    message = "The customer's location isn't recognized. Set a valid customer address in order to automatically "
    return invalid(message + "calculate tax.", "automatic_tax", "customer_tax_location_invalid")


def asked_for(world: World, customer: Object, method: Object | None, params: Object) -> Object:
    """What a subscription shows of ``automatic_tax``; a preview may be asked for without an address."""
    if not params.get("automatic_tax", {}).get("enabled"):
        return dict(OFF)
    if country_of(customer, method) is None and not params.get("_preview"):
        raise unrecognized()
    return dict(ON)


def on_invoice(subscription: Object) -> Object:
    return {**subscription["automatic_tax"], "disabled_reason": None, "provider": None, "status": None}


def apply(world: World, invoice: Object) -> int:
    """Tax every line; answers what comes on top of the prices. What is in them already is only shown."""
    lines, automatic = invoice["lines"]["data"], invoice["automatic_tax"]
    for line in lines:
        line["taxes"] = []
    invoice["total_taxes"] = []
    if not automatic["enabled"]:
        return 0
    customer = world.store.objects[invoice["customer"]]
    country = country_of(customer, payments.method_for(world, invoice))
    automatic |= {"provider": "stripe", "status": "complete" if country else "requires_location_inputs"}
    if country is None:
        return 0
    for line in lines:
        line["taxes"] = [_tax(world, country, discounting.left_of(line), line)]
    invoice["total_taxes"] = _summed([tax for line in lines for tax in line["taxes"]])
    return sum(tax["amount"] for tax in invoice["total_taxes"] if tax["tax_behavior"] == "exclusive")


def included(invoice: Object) -> int:
    """How much of the prices is tax."""
    return sum(tax["amount"] for tax in invoice["total_taxes"] if tax["tax_behavior"] == "inclusive")


def _tax(world: World, country: str, amount: int, line: Object) -> Object:
    price = world.store.get(((line["pricing"] or {}).get("price_details") or {}).get("price") or "") or {}
    behavior = behavior_of(price)
    tax = tax_on(world, country, amount, behavior)
    return {
        "amount": tax,
        "tax_behavior": behavior,
        "tax_rate_details": {"tax_rate": f"txr_local_{country.lower()}"},
        "taxability_reason": "standard_rated" if rate_in(world, country) else "not_collecting",
        "taxable_amount": amount - tax if behavior == "inclusive" else amount,
        "type": "tax_rate_details",
    }


def behavior_of(price: Object) -> str:
    """Unspecified is what the account says, which is on top of the price."""
    return "inclusive" if price.get("tax_behavior") == "inclusive" else "exclusive"


def rate_in(world: World, country: str) -> Decimal:
    return Decimal(str(world.settings.tax_rates.get(country, 0)))


def tax_on(world: World, country: str, amount: int, behavior: str) -> int:
    """In minor units, halves away from zero."""
    rate = rate_in(world, country)
    exact = amount * rate / (100 + rate) if behavior == "inclusive" else amount * rate / 100
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def _summed(taxes: list[Object]) -> list[Object]:
    """One entry for each behavior."""
    sums: dict[str, Object] = {}
    for tax in taxes:
        if tax["tax_behavior"] not in sums:
            sums[tax["tax_behavior"]] = {**tax, "amount": 0, "taxable_amount": 0}
        for name in ("amount", "taxable_amount"):
            sums[tax["tax_behavior"]][name] += tax[name]
    return list(sums.values())


def give_up(world: World, invoice: Object) -> None:
    """At finalization nobody knows where the customer is: the invoice is final without tax, and so are later ones."""
    automatic = invoice["automatic_tax"]
    if automatic["status"] != "requires_location_inputs":
        return
    automatic |= {"enabled": False, "disabled_reason": "finalization_requires_location_inputs", "status": None}
    subscription = world.store.get(invoice["_subscription"] or "")
    if subscription:
        with world.changing(subscription, "customer.subscription.updated"):
            subscription["automatic_tax"] = {**OFF, "disabled_reason": "requires_location_inputs"}
