"""Invoice items that somebody adds by hand, and their lines (https://docs.stripe.com/api/invoiceitems)."""

from fractions import Fraction
from typing import Any

from ..world import World
from .reductions import rounded

Object = dict[str, Any]


def new_item(world: World, customer: Object, currency: str, **given: Any) -> Object:
    """Waits for the customer's next invoice, or for the next one of its subscription."""
    now, clock = world.now(customer["_clock"]), customer["_clock"]
    item: Object = {
        "id": world.new_id("ii"),
        "object": "invoiceitem",
        "_clock": clock,
        "_subscription": None,
        "amount": 0,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "date": now,
        "description": None,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": 0,
        "parent": None,
        "period": {"end": now, "start": now},
        "pricing": None,
        "proration": False,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": clock,
    }
    return world.store.put(item | given)


def set_amount(item: Object, unit: str, quantity: int, details: Object | None = None) -> None:
    """A unit's amount in minor units, fractions allowed, times the quantity."""
    item["amount"] = item["net_amount"] = rounded(Fraction(unit) * quantity)
    item["quantity"], item["quantity_decimal"] = quantity, str(quantity)
    item["pricing"] = {"type": "price_details", "unit_amount_decimal": unit}
    if details:
        item["pricing"]["price_details"] = details


def line_of(world: World, item: Object) -> Object:
    return {
        "id": world.new_id("il"),
        "object": "line_item",
        "amount": item["amount"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": item["discountable"],
        "discounts": list(item["discounts"]),
        "invoice": item["invoice"],
        "livemode": False,
        "metadata": dict(item["metadata"]),
        "parent": {
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": item["_subscription"],
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        "period": dict(item["period"]),
        "pretax_credit_amounts": [],
        "pricing": item["pricing"],
        "quantity": item["quantity"],
        "quantity_decimal": item["quantity_decimal"],
        "subscription": item["_subscription"],
        "subtotal": item["amount"],
        "taxes": [],
    }


def waiting(world: World, customer: str, currency: str) -> list[Object]:
    """What waits for the customer's next invoice, whatever it is for; the latest first."""
    return [
        one
        for one in world.store.where("invoiceitem", "customer", customer)
        if one["invoice"] is None and one["_subscription"] is None and one["currency"] == currency
    ]


def item_of(world: World, line: Object) -> Object | None:
    """The invoice item that a line bills, if it is of one."""
    parent = line["parent"]
    details = parent["invoice_item_details"] or parent["subscription_item_details"]
    return world.store.get(details["invoice_item"] or "")
