"""Invoices by hand (https://docs.stripe.com/api/invoices/create): made, filled, changed and thrown away."""

from typing import Any

from stripe import params as sdk

from ..billing import collection, discounting, invoicing, manual_invoice, one_off_items
from ..billing.redemption import Sale
from ..protocol.errors import invalid, missing
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World
from . import invoice_items, payment_methods, test_clocks

Object = dict[str, Any]
PATH = "/v1/invoices"
TERMS = "collection_method days_until_due default_payment_method description discounts due_date footer metadata number"
CREATE = f"auto_advance currency customer pending_invoice_items_behavior subscription {TERMS}"
LINES = """lines.amount lines.description lines.discountable lines.discounts lines.invoice_item lines.metadata
    lines.period lines.pricing.price lines.quantity"""


def register(routes: Routes) -> None:
    routes.add("POST", PATH, create, sdk.InvoiceCreateParams, CREATE)
    routes.add("DELETE", PATH + "/{id}", delete, None)
    routes.add("POST", PATH + "/{id}/send", send, sdk.InvoiceSendInvoiceParams)
    routes.add("POST", PATH + "/{id}/add_lines", add_lines, sdk.InvoiceAddLinesParams, f"invoice_metadata {LINES}")
    removes = "invoice_metadata lines.behavior lines.id"
    routes.add("POST", PATH + "/{id}/remove_lines", remove_lines, sdk.InvoiceRemoveLinesParams, removes)


def create(world: World, params: Object) -> Object:
    if "subscription" in params:
        return _of_subscription(world, params)
    if "customer" not in params:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = world.find("customer", params["customer"], "customer")
    test_clocks.refuse_while_advancing(world, customer["_clock"])
    currency: str = params.get("currency") or customer["currency"] or "usd"
    include = params.get("pending_invoice_items_behavior", "exclude") == "include"
    invoice = manual_invoice.draft(world, customer, currency.lower(), include)
    return _begin(world, invoice, params)


def _of_subscription(world: World, params: Object) -> Object:
    """Everything that waits for a subscription, now instead of at the end of its period."""
    subscription = world.find("subscription", params["subscription"], "subscription")
    test_clocks.refuse_while_advancing(world, subscription["_clock"])
    if params.get("customer", subscription["customer"]) != subscription["customer"]:
        raise invalid("The subscription does not belong to this customer.", "subscription")
    world.find("customer", subscription["customer"], "customer")
    item, now = subscription["items"]["data"][0], world.now(subscription["_clock"])
    invoice = invoicing.draft(world, subscription, "manual", [], (item["current_period_start"], now))
    if not invoice["lines"]["data"]:
        raise invalid("Nothing to invoice for subscription", None, "invoice_no_subscription_line_items")
    return _begin(world, invoice, params)


def _begin(world: World, invoice: Object, params: Object) -> Object:
    change(world, invoice, params)
    world.emit("invoice.created", invoice)
    invoice["auto_advance"] = params.get("auto_advance", False)
    if invoice["auto_advance"]:
        at = invoice["automatically_finalizes_at"] = invoice["created"] + world.settings.finalize_after_seconds
        world.deadlines.set("finalize", invoice, at)
    return invoice


def change(world: World, invoice: Object, params: Object) -> None:
    """What may be changed of a draft."""
    if "number" in params:
        invoice["_number"] = params["number"] or None
        invoice["number"] = invoice["_number"]
    if params.keys() & {"collection_method", "days_until_due", "due_date"}:
        manual_invoice.set_terms(world, invoice, params)
    if "metadata" in params:
        invoice["metadata"] = merged_metadata(invoice["metadata"], params["metadata"])
    if params.get("default_payment_method"):
        payment_methods.owned(world, params["default_payment_method"], invoice["customer"], "default_payment_method")
    for name in ("default_payment_method", "description", "footer"):
        if name in params:
            invoice[name] = params[name] or None
    if "discounts" in params:
        customer = world.store.objects[invoice["customer"]]
        sale = Sale(customer, invoice["currency"], invoice["subtotal"], world.now(invoice["_clock"]))
        discounting.attach(world, invoice, params["discounts"], sale, invoice=invoice["id"])
        invoicing.total(world, invoice)


def changeable_draft(world: World, id: str) -> Object:
    invoice = world.find("invoice", id, "invoice")
    test_clocks.refuse_while_advancing(world, invoice["_clock"])
    manual_invoice.refuse_unless_draft(invoice)
    return invoice


def delete(world: World, id: str, params: Object) -> Object:
    """A draft made by hand is as if it had never been; what was on it waits again unless it was made for it."""
    invoice = world.find("invoice", id, "invoice")
    test_clocks.refuse_while_advancing(world, invoice["_clock"])
    if invoice["status"] != "draft" or invoice["billing_reason"] != "manual":
        message = "You can only delete draft invoices that were made by hand."
        raise invalid(message, None, "invoice_not_editable")
    for item in world.store.where("invoiceitem", "customer", invoice["customer"]):
        if item["invoice"] == id:
            world.store.edit(item)["invoice"] = None
    world.deadlines.clear("finalize", invoice)
    world.store.delete(invoice)
    world.emit("invoice.deleted", invoice)
    return {"id": id, "object": "invoice", "deleted": True}


def send(world: World, id: str, params: Object) -> Object:
    invoice = world.find("invoice", id, "invoice")
    test_clocks.refuse_while_advancing(world, invoice["_clock"])
    if invoice["collection_method"] != "send_invoice":
        raise invalid("You can only send an invoice whose collection_method is `send_invoice`.")
    if invoice["status"] == "draft":
        invoicing.finalize(world, invoice)
        if invoice["amount_due"] == 0:
            collection.settle_paid(world, invoice)
    if invoice["status"] not in ("open", "paid"):
        raise invalid(f"You can't send an invoice that is {invoice['status']}.")
    manual_invoice.send(world, invoice)
    return invoice


def add_lines(world: World, id: str, params: Object) -> Object:
    """Items that wait already, or new ones."""
    invoice = changeable_draft(world, id)
    customer = world.store.objects[invoice["customer"]]
    items = []
    for position, entry in enumerate(params["lines"]):
        given = {"currency": invoice["currency"], **entry}
        if "invoice_item" in entry:
            item = world.find("invoiceitem", entry["invoice_item"], f"lines[{position}][invoice_item]")
            if item["invoice"] or item["customer"] != customer["id"]:
                raise invalid("The invoice item does not wait for this customer's invoice.", f"lines[{position}]")
        else:
            item = invoice_items.make(world, customer, given)
            world.emit("invoiceitem.created", item)
        items.append(item)
    _invoice_metadata(invoice, params)
    manual_invoice.add(world, invoice, *items)
    return invoice


def remove_lines(world: World, id: str, params: Object) -> Object:
    invoice = changeable_draft(world, id)
    for position, entry in enumerate(params["lines"]):
        item = _item_of(world, invoice, entry["id"], f"lines[{position}][id]")
        manual_invoice.take_off(world, invoice, item)
        if entry["behavior"] == "delete":
            world.store.delete(item)
            world.emit("invoiceitem.deleted", item)
    _invoice_metadata(world.store.edit(invoice), params)
    return invoice


def _item_of(world: World, invoice: Object, line: str, param: str) -> Object:
    for one in invoice["lines"]["data"]:
        if one["id"] == line and (item := one_off_items.item_of(world, one)):
            return item
    raise missing("invoice line item", line, param)


def _invoice_metadata(invoice: Object, params: Object) -> None:
    if "invoice_metadata" in params:
        invoice["metadata"] = merged_metadata(invoice["metadata"], params["invoice_metadata"])
