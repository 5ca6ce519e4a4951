"""An invoice from draft to its end (https://docs.stripe.com/invoicing/overview#invoice-statuses)."""

from typing import Any

from ..protocol.errors import invalid
from ..world import World
from . import balance, discounting, payments, taxing
from . import lines as billed
from .empty_invoice import empty_invoice

Object = dict[str, Any]


def draft(world: World, subscription: Object, reason: str, lines: list[Object], period: tuple[int, int]) -> Object:
    """A draft of these lines and of whatever prorations wait for this subscription."""
    customer = world.store.objects[subscription["customer"]]
    invoice = empty_invoice(world, customer, subscription, reason, period)
    pending = billed.pending_items(world, subscription)
    all_lines = [billed.line_of(world, subscription, one) for one in pending] + lines
    for one in pending:
        world.store.edit(one)["invoice"] = invoice["id"]
    for line in all_lines:
        line["invoice"] = invoice["id"]
    url = f"/v1/invoices/{invoice['id']}/lines"
    invoice["lines"] = {
        "object": "list",
        "data": all_lines,
        "has_more": False,
        "url": url,
    }
    invoice["discounts"] = discounting.inherited(world, subscription)
    invoice["automatic_tax"] = taxing.on_invoice(subscription)
    world.store.put(invoice)
    total(world, invoice)
    discounting.use_up(world, subscription, invoice)
    return invoice


def total(world: World, invoice: Object) -> None:
    """Sum the lines, take discounts off, put tax on, and show what the customer's balance leaves to pay.

    https://docs.stripe.com/billing/customer/balance: a negative balance pays, a positive one is added.
    """
    customer = world.store.objects[invoice["customer"]]
    amount = sum(line["amount"] for line in invoice["lines"]["data"])
    invoice["subtotal"] = amount
    amount -= discounting.apply(world, invoice)
    on_top = taxing.apply(world, invoice)
    inside = taxing.included(invoice)
    invoice["subtotal_excluding_tax"] = invoice["subtotal"] - inside
    invoice["total_excluding_tax"] = amount - inside
    amount += on_top
    invoice["total"] = amount
    invoice["starting_balance"] = customer["balance"]
    due = balance.left_to_pay(amount, customer["balance"], invoice["currency"])
    invoice["amount_due"] = invoice["amount_remaining"] = due


def finalize(world: World, invoice: Object) -> None:
    """draft → open, with a number, a page and something to pay with; nothing to pay is paid at once."""
    if invoice["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't finalize it again.", None, "invoice_not_editable")
    customer = world.store.edit(world.store.objects[invoice["customer"]])
    now = world.now(invoice["_clock"])
    world.store.edit(invoice)
    total(world, invoice)
    taxing.give_up(world, invoice)
    invoice["ending_balance"] = invoice["starting_balance"] + invoice["total"] - invoice["amount_due"]
    customer["currency"] = customer["currency"] or invoice["currency"]
    invoice["number"] = _number(customer, invoice)
    invoice["status"] = "open"
    invoice["effective_at"] = invoice["status_transitions"]["finalized_at"] = now
    invoice["automatically_finalizes_at"] = invoice["next_payment_attempt"] = None
    page = f"{world.url}/i/acct_local/{invoice['_secret'][7:]}"
    invoice["hosted_invoice_url"], invoice["invoice_pdf"] = page, f"{page}/pdf"
    world.deadlines.clear("finalize", invoice)
    world.emit("invoice.finalized", invoice)
    balance.settle(world, customer, invoice)
    if invoice["amount_due"] > 0:
        payments.prepare(world, invoice)


def _number(customer: Object, invoice: Object) -> str:
    if invoice.get("_number"):
        return str(invoice["_number"])
    customer["next_invoice_sequence"] += 1
    return f"{customer['invoice_prefix']}-{customer['next_invoice_sequence'] - 1:04d}"


def void(world: World, invoice: Object) -> None:
    """https://docs.stripe.com/invoicing/overview#void: as if it had never been; its payment is canceled."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(f"You can only pass in open or uncollectible invoices. This invoice is {invoice['status']}.")
    world.store.edit(invoice)
    _give_balance_back(world, invoice)
    _close(world, invoice, "void")
    invoice.pop("status_details", None)
    payments.cancel_for(world, invoice, "void_invoice")
    world.emit("invoice.voided", invoice)


def _give_balance_back(world: World, invoice: Object) -> None:
    used = invoice["ending_balance"] - invoice["starting_balance"]
    customer = world.store.objects[invoice["customer"]]
    with world.changing(customer, "customer.updated"):
        given = {"invoice": invoice["id"], "currency": invoice["currency"]}
        balance.write(world, customer, -used, "unapplied_from_invoice", **given)


def mark_uncollectible(world: World, invoice: Object, reason: str = "user_forgiven") -> None:
    if invoice["status"] != "open":
        raise invalid(f"You can only mark open invoices uncollectible. This invoice is {invoice['status']}.")
    world.store.edit(invoice)
    _close(world, invoice, "uncollectible")
    invoice["status_details"] = {"uncollectible": {"reason": reason}}
    world.emit("invoice.marked_uncollectible", invoice)


def _close(world: World, invoice: Object, status: str) -> None:
    names = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}
    invoice["status"] = status
    invoice["status_transitions"][names[status]] = world.now(invoice["_clock"])
    invoice["next_payment_attempt"], invoice["auto_advance"] = None, False
    world.deadlines.clear("collect", invoice)


def stop_collecting(world: World, invoice: Object) -> None:
    """The subscription is over: what is open stays open, but nothing happens to it by itself."""
    with world.changing(invoice, "invoice.updated"):
        invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        invoice["automatically_finalizes_at"] = None
    world.deadlines.clear("collect", invoice)
    world.deadlines.clear("finalize", invoice)
