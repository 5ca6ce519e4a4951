"""Credit notes (https://docs.stripe.com/invoicing/dashboard/credit-notes).

Before the payment one makes the invoice smaller; afterwards the money goes back to the card, to the customer's balance,
or outside of Stripe.
"""

from typing import Any

from ..protocol.errors import invalid
from ..protocol.parameters import merged_metadata
from ..world import World
from . import balance, collection, credit_lines, payments, refunding
from .lines import money

Object = dict[str, Any]
CREDITS = ("credit_amount", "refund_amount", "out_of_band_amount")


def issue(world: World, invoice: Object, params: Object) -> Object:
    if invoice["status"] not in ("open", "paid"):
        raise invalid("Credit notes can only be created for invoices that are open or paid.", "invoice")
    note = _new(world, invoice, credit_lines.lines_of(world, invoice, params), params)
    _refuse(invoice, note, params)
    world.store.put(note)
    if invoice["status"] == "open":
        note["pre_payment_amount"], note["type"] = note["amount"], "pre_payment"
    else:
        note["post_payment_amount"], note["type"] = note["amount"], "post_payment"
        _pay_back(world, invoice, note, params)
    world.emit("credit_note.created", note)
    if note["type"] == "pre_payment":
        _reduce(world, invoice, note["amount"])
    else:
        with world.changing(invoice, "invoice.updated"):
            invoice["post_payment_credit_notes_amount"] += note["amount"]
    return note


def _refuse(invoice: Object, note: Object, params: Object) -> None:
    amount, currency = note["amount"], invoice["currency"]
    if "amount" in params and params["amount"] != amount:
        raise invalid(f"The sum of lines ({money(amount, currency)}) must equal the credit note amount.", "amount")
    if amount < 1:
        raise invalid("The credit note's amount must be greater than zero.", "amount")
    paid = invoice["status"] == "paid"
    left = _creditable(invoice) if paid else invoice["amount_remaining"]
    if amount > left:
        message = f"The sum of credit amounts ({money(amount, currency)}) can't be greater than what is left of the "
        raise invalid(f"{message}invoice ({money(left, currency)}).", "amount")
    allocated = sum(params.get(name, 0) for name in CREDITS)
    if not paid and allocated:
        raise invalid("You can only credit, refund or pay out an invoice that is paid.", "refund_amount")
    if paid and allocated != amount:
        message = (
            f"The sum of refund_amount, credit_amount and out_of_band_amount ({money(allocated, currency)}) must equal "
            f"the credit note amount ({money(amount, currency)})."
        )
        raise invalid(message)


def _creditable(invoice: Object) -> int:
    given = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    return int(invoice["total"] - given)


def _new(world: World, invoice: Object, lines: list[Object], params: Object) -> Object:
    id, now = world.new_id("cn"), world.now(invoice["_clock"])
    subtotal, off = sum(one["amount"] for one in lines), sum(one["discount_amount"] for one in lines)
    discounts: dict[str, int] = {}
    for entry in (entry for line in lines for entry in line["discount_amounts"]):
        discounts[entry["discount"]] = discounts.get(entry["discount"], 0) + entry["amount"]
    totals = [{"amount": amount, "discount": discount} for discount, amount in discounts.items()]
    count = len(world.store.where("credit_note", "invoice", invoice["id"])) + 1
    return {
        "id": id,
        "object": "credit_note",
        "_clock": invoice["_clock"],
        "amount": subtotal - off,
        "amount_shipping": 0,
        "created": now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": off,
        "discount_amounts": totals,
        "effective_at": params.get("effective_at", now),
        "invoice": invoice["id"],
        "lines": {"object": "list", "data": lines, "has_more": False, "url": f"/v1/credit_notes/{id}/lines"},
        "livemode": False,
        "memo": params.get("memo") or None,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "number": f"{invoice['number']}-CN-{count:02d}",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"{world.url}/credit_notes/acct_local/{id}/pdf",
        "post_payment_amount": 0,
        "pre_payment_amount": 0,
        "pretax_credit_amounts": [{**one, "type": "discount"} for one in totals],
        "reason": params.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": subtotal - off,
        "total_excluding_tax": subtotal - off,
        "total_taxes": [],
        "type": "pre_payment",
        "voided_at": None,
    }


def _pay_back(world: World, invoice: Object, note: Object, params: Object) -> None:
    if params.get("refund_amount"):
        intent = payments.intent_of(world, invoice)
        charge = world.store.get((intent or {}).get("latest_charge") or "")
        if charge is None or not charge["paid"]:
            raise invalid("This invoice was not paid with a charge that could be refunded.", "refund_amount")
        refund = refunding.refund(world, charge, params["refund_amount"], None, {})
        shown = {"amount_refunded": refund["amount"], "payment_record_refund": None, "refund": refund["id"]}
        note["refunds"] = [{**shown, "type": "refund"}]
    if params.get("credit_amount"):
        _write(world, note, -params["credit_amount"])


def _write(world: World, note: Object, amount: int) -> None:
    customer = world.store.objects[note["customer"]]
    given = {"credit_note": note["id"], "invoice": note["invoice"], "currency": note["currency"]}
    with world.changing(customer, "customer.updated"):
        customer["currency"] = customer["currency"] or note["currency"]
        written = balance.write(world, customer, amount, "credit_note", **given)
    if written and note["customer_balance_transaction"] is None:
        note["customer_balance_transaction"] = written["id"]


def _reduce(world: World, invoice: Object, amount: int) -> None:
    """Less is asked for, in the payment too; nothing left is paid. A negative amount takes it back."""
    with world.changing(invoice, "invoice.updated"):
        invoice["pre_payment_credit_notes_amount"] += amount
        invoice["amount_due"] -= amount
        invoice["amount_remaining"] -= amount
    intent, payment = payments.intent_of(world, invoice), payments.payment_of(world, invoice)
    if invoice["amount_due"] == 0:
        payments.cancel_for(world, invoice, None)
        collection.settle_paid(world, invoice)
    elif intent and payment:
        world.store.edit(intent)["amount"] = invoice["amount_due"]
        world.store.edit(payment)["amount_requested"] = invoice["amount_due"]


def void(world: World, note: Object) -> None:
    """https://docs.stripe.com/api/credit_notes/void: not once the invoice it reduced is paid, or money was refunded."""
    invoice = world.store.objects[note["invoice"]]
    if note["status"] == "void":
        raise invalid("This credit note has already been voided.")
    if note["type"] == "pre_payment" and invoice["status"] != "open":
        raise invalid("You can only void a credit note of an invoice that is open.")
    if note["refunds"] or note["out_of_band_amount"]:
        raise invalid("You can't void a credit note whose money was paid back.")
    world.store.edit(note)
    note["status"], note["voided_at"] = "void", world.now(note["_clock"])
    world.emit("credit_note.voided", note)
    if note["type"] == "pre_payment":
        return _reduce(world, invoice, -note["amount"])
    _write(world, note, note["post_payment_amount"])
    with world.changing(invoice, "invoice.updated"):
        invoice["post_payment_credit_notes_amount"] -= note["amount"]
