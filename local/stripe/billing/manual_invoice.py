"""Invoices made by hand (https://docs.stripe.com/invoicing/integration): drafts and what is on them."""

from typing import Any

from ..protocol.errors import invalid
from ..world import World
from . import invoicing, lifecycle, one_off_items
from .empty_invoice import empty_invoice

Object = dict[str, Any]
DAY = 86400


def draft(world: World, customer: Object, currency: str, include: bool) -> Object:
    """An empty draft, or with ``include`` one of everything that waits for the customer."""
    now = world.now(customer["_clock"])
    invoice = empty_invoice(world, customer, None, "manual", (now, now), currency)
    url = f"/v1/invoices/{invoice['id']}/lines"
    invoice["lines"] = {"object": "list", "data": [], "has_more": False, "url": url}
    discount = customer["discount"]
    invoice["discounts"] = [discount["id"]] if discount else []
    world.store.put(invoice)
    for item in one_off_items.waiting(world, customer["id"], currency) if include else ():
        _put_on(world, invoice, item)
    invoicing.total(world, invoice)
    return invoice


def _put_on(world: World, invoice: Object, item: Object) -> None:
    world.store.edit(item)["invoice"] = invoice["id"]
    invoice["lines"]["data"] = [*invoice["lines"]["data"], one_off_items.line_of(world, item)]


def add(world: World, invoice: Object, *items: Object) -> None:
    """Say ``invoice.updated`` with the new lines and sums."""
    refuse_unless_draft(invoice)
    with world.changing(invoice, "invoice.updated"):
        for item in items:
            if item["currency"] != invoice["currency"]:
                raise invalid("The currency of the item and of the invoice must be the same.", "currency")
            _put_on(world, invoice, item)
        invoicing.total(world, invoice)


def refresh(world: World, invoice: Object, item: Object) -> None:
    """An item on a draft was changed: so is its line."""
    with world.changing(invoice, "invoice.updated"):
        lines = invoice["lines"]["data"]
        renewed = [
            {**one_off_items.line_of(world, item), "id": line["id"]}
            if one_off_items.item_of(world, line) is item
            else line
            for line in lines
        ]
        invoice["lines"] = {**invoice["lines"], "data": renewed}
        invoicing.total(world, invoice)


def take_off(world: World, invoice: Object, item: Object) -> None:
    with world.changing(invoice, "invoice.updated"):
        lines = invoice["lines"]["data"]
        kept = [line for line in lines if one_off_items.item_of(world, line) is not item]
        invoice["lines"] = {**invoice["lines"], "data": kept}
        invoicing.total(world, invoice)
    world.store.edit(item)["invoice"] = None


def refuse_unless_draft(invoice: Object) -> None:
    if invoice["status"] != "draft":
        message = "This invoice is no longer editable: it has been finalized."
        raise invalid(message, None, "invoice_not_editable")


def set_terms(world: World, invoice: Object, params: Object) -> None:
    """How it is collected, and until when it is to be paid when the customer pays by themselves."""
    method = invoice["collection_method"] = params.get("collection_method", invoice["collection_method"])
    days, due = params.get("days_until_due"), params.get("due_date")
    if method == "charge_automatically":
        if days is not None or due is not None:
            message = "You can only specify days_until_due and due_date when collection_method is send_invoice."
            raise invalid(message, "days_until_due" if days is not None else "due_date")
        invoice["due_date"] = None
        return
    if days is not None and due is not None:
        raise invalid("You may only specify one of these parameters: days_until_due, due_date.", "due_date")
    if days is None and due is None and invoice["due_date"] is None:
        message = "If invoice is set to 'send_invoice', you must pass either days_until_due or due_date."
        raise invalid(message, "days_until_due", "parameter_missing")
    if due is not None and due <= world.now(invoice["_clock"]):
        raise invalid("The due date must be in the future.", "due_date")
    if days is not None or due is not None:
        invoice["due_date"] = due if days is None else invoice["created"] + days * DAY


def send(world: World, invoice: Object) -> None:
    """To the customer by e-mail, who pays on the hosted page."""
    world.emit("invoice.sent", invoice)
    if invoice["due_date"]:
        world.deadlines.set("overdue", invoice, invoice["due_date"])


def fall_overdue(world: World, invoice: Object) -> None:
    if invoice["status"] == "open":
        world.emit("invoice.overdue", invoice)
        subscription = world.store.get(invoice["_subscription"] or "")
        if subscription:
            lifecycle.payment_failed(world, subscription, last=False)
