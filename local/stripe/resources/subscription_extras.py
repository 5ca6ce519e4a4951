"""Once-only items that a call puts on a subscription's next invoice.

https://docs.stripe.com/billing/invoices/subscription#adding-upcoming-invoice-items
"""

from typing import Any

from ..world import World
from . import invoice_items

Object = dict[str, Any]
NAMES = ("discountable", "discounts", "metadata", "period", "price", "price_data", "quantity")
EMULATED = " ".join(f"add_invoice_items.{name}" for name in NAMES)
IN_PREVIEW = " ".join(f"invoice_items.{name}" for name in (*NAMES, "amount", "currency", "description"))


def add(world: World, subscription: Object, entries: list[Object]) -> None:
    customer = world.store.objects[subscription["customer"]]
    for entry in entries:
        given = {name: value for name, value in entry.items() if name != "price"}
        if "price" in entry:
            given["pricing"] = {"price": entry["price"]}
        given.setdefault("currency", subscription["currency"])
        item = invoice_items.make(world, customer, {**given, "subscription": subscription["id"]})
        world.emit("invoiceitem.created", item)
