"""Invoice items and the lines that invoices show (https://docs.stripe.com/api/invoice-line-item)."""

from typing import Any

from ..protocol.currencies import decimals_of
from ..world import World
from . import one_off_items

Object = dict[str, Any]
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def money(amount: int, currency: str) -> str:
    decimals = decimals_of(currency)
    shown = f"{amount / 10**decimals:.{decimals}f}"
    return f"{SYMBOLS[currency]}{shown}" if currency in SYMBOLS else f"{shown} {currency.upper()}"


def product_name(world: World, price: Object) -> str:
    product = world.store.get(price["product"])
    return str(product["name"]) if product else price["product"]


def full_period(world: World, subscription: Object, item: Object, trial: bool = False) -> Object:
    """The line for one item's current period; free while on trial."""
    price, quantity = item["price"], item.get("quantity", 1)
    name, recurring = product_name(world, price), price["recurring"]
    if trial:
        description = f"Trial period for {name}"
    else:
        count = recurring["interval_count"]
        every = recurring["interval"] if count == 1 else f"every {count} {recurring['interval']}s"
        description = f"{quantity} × {name} (at {money(unit_amount(price), price['currency'])} / {every})"
    period = {"start": item["current_period_start"], "end": item["current_period_end"]}
    amount = 0 if trial else unit_amount(price) * quantity
    return line(world, subscription, item, amount, description, period, unit="0" if trial else None)


def unit_amount(price: Object) -> int:
    return int(price["unit_amount"] if price["unit_amount"] is not None else round(float(price["unit_amount_decimal"])))


def line(
    world: World,
    subscription: Object,
    item: Object,
    amount: int,
    description: str,
    period: Object,
    *,
    unit: str | None = None,
    pending: Object | None = None,
    credited: Object | None = None,
) -> Object:
    """A line of a subscription; ``pending`` is the invoice item that it bills, when it is a proration."""
    price, quantity = item["price"], item.get("quantity", 1)
    return {
        "id": world.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": pending is None,
        "discounts": list(item.get("discounts", [])) if pending is None else [],
        "invoice": None,
        "livemode": False,
        "metadata": dict(subscription["metadata"]) if pending is None else dict(pending["metadata"]),
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": pending["id"] if pending else None,
                "proration": pending is not None,
                "proration_details": {"credited_items": credited},
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": period,
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": unit or price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": subscription["id"],
        "subtotal": amount,
        "taxes": [],
    }


def invoice_item(
    world: World, subscription: Object, item: Object, amount: int, description: str, period: Object
) -> Object:
    """A proration that waits for the next invoice (https://docs.stripe.com/api/invoiceitems)."""
    price, quantity = item["price"], item.get("quantity", 1)
    unit = str(round(amount / quantity)) if quantity else str(amount)
    pending: Object = {
        "id": world.new_id("ii"),
        "object": "invoiceitem",
        "_clock": subscription["_clock"],
        "_subscription": subscription["id"],
        "amount": amount,
        "currency": price["currency"],
        "customer": subscription["customer"],
        "customer_account": None,
        "date": world.now(subscription["_clock"]),
        "description": description,
        "discountable": False,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": {
            "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
            "type": "subscription_details",
        },
        "period": period,
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": unit,
        },
        "proration": True,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": [],
        "test_clock": subscription["_clock"],
    }
    pending["_item"] = {"id": item["id"], "price": price, "quantity": quantity}
    world.store.put(pending)
    world.emit("invoiceitem.created", pending)
    return pending


def line_of(world: World, subscription: Object, pending: Object) -> Object:
    if not pending["proration"]:
        return one_off_items.line_of(world, pending)
    credited = None
    if pending["amount"] < 0:
        credited = _credited(world, subscription, pending)
    unit = pending["pricing"]["unit_amount_decimal"]
    return line(
        world,
        subscription,
        pending["_item"],
        pending["amount"],
        pending["description"],
        dict(pending["period"]),
        unit=unit,
        pending=pending,
        credited=credited,
    )


def _credited(world: World, subscription: Object, pending: Object) -> Object | None:
    """The line that a credit gives back: the latest one billed for the same item and price."""
    for invoice in world.store.where("invoice", "_subscription", subscription["id"]):
        for billed in invoice["lines"]["data"]:
            details = billed["parent"]["subscription_item_details"]
            if not details or details["subscription_item"] != pending["_item"]["id"] or billed["amount"] < 0:
                continue
            if billed["pricing"]["price_details"]["price"] == pending["pricing"]["price_details"]["price"]:
                return {"invoice": invoice["id"], "invoice_line_items": [billed["id"]]}
    return None


def pending_items(world: World, subscription: Object) -> list[Object]:
    """As an invoice shows them: the latest change first, its credit before its charge. What waits for any invoice
    of the customer joins.

    https://docs.stripe.com/api/invoices/object#invoice_object-lines
    """
    waiting = one_off_items.waiting(world, subscription["customer"], subscription["currency"])
    waiting += world.store.where("invoiceitem", "_subscription", subscription["id"])
    return sorted((one for one in reversed(waiting) if one["invoice"] is None), key=lambda one: -one["date"])
