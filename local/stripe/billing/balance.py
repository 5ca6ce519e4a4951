"""The customer's credit balance and its ledger (https://docs.stripe.com/billing/customer/balance).

A negative amount is a credit: it pays for later invoices. A positive one is owed and joins the next invoice.
"""

from typing import Any

from ..world import World

Object = dict[str, Any]
SMALLEST = {"gbp": 30, "dkk": 250, "hkd": 400, "huf": 17500, "mxn": 1000, "nok": 300, "pln": 200, "sek": 300}
"""What can be charged at least, in minor units (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""


def smallest_charge(currency: str) -> int:
    return SMALLEST.get(currency, 50)


def left_to_pay(total: int, balance: int, currency: str) -> int:
    """What an invoice still asks for. Too small a rest is not charged: it stays on the balance, owed."""
    due = max(total + balance, 0) if total > 0 else 0
    return due if due >= smallest_charge(currency) else 0


def settle(world: World, customer: Object, invoice: Object) -> None:
    """A finalized invoice takes what the balance pays, gives what it credits, and leaves what is too small."""
    change = invoice["ending_balance"] - invoice["starting_balance"]
    small = max(invoice["total"] + invoice["starting_balance"], 0) if invoice["total"] > 0 else 0
    small -= invoice["amount_due"]
    with world.changing(customer, "customer.updated"):
        given = {"invoice": invoice["id"], "currency": invoice["currency"]}
        write(world, customer, change - small, "applied_to_invoice", **given)
        write(world, customer, small, "invoice_too_small", **given)


def write(world: World, customer: Object, amount: int, type: str, **given: Any) -> Object | None:
    """Change the balance by an amount; nothing is written for nothing."""
    if not amount:
        return None
    customer["balance"] += amount
    transaction: Object = {
        "id": world.new_id("cbtxn"),
        "object": "customer_balance_transaction",
        "_clock": customer["_clock"],
        "amount": amount,
        "checkout_session": None,
        "created": world.now(customer["_clock"]),
        "credit_note": None,
        "currency": customer["currency"] or "usd",
        "customer": customer["id"],
        "customer_account": None,
        "description": None,
        "ending_balance": customer["balance"],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "type": type,
    }
    return world.store.put(transaction | given)
