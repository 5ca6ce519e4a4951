"""What enters and leaves the account's own balance (https://docs.stripe.com/reports/balance-transaction-types)."""

from typing import Any

from ..world import World

Object = dict[str, Any]
DISPUTE_FEE = 1500
"""In minor units, whatever the currency (https://stripe.com/pricing)."""


def fee_of(amount: int) -> int:
    """What Stripe keeps of a card payment in the US: 2.9% and 30 cents (https://stripe.com/pricing)."""
    return min(round(amount * 0.029) + 30, amount)


def take_in(world: World, charge: Object) -> None:
    amount = charge["amount"]
    taken = move(world, "charge", charge, amount, charge["description"], fee_of(amount))
    charge["balance_transaction"] = taken["id"]


def move(
    world: World, type: str, source: Object, amount: int, description: str | None, fee: int = 0, **given: Any
) -> Object:
    """Write one balance transaction; a negative amount leaves the balance. Money is available at once."""
    now = world.now(None)
    words = "Dispute fee" if type == "adjustment" else "Stripe processing fees"
    details = {"amount": fee, "application": None, "currency": source["currency"], "description": words}
    transaction: Object = {
        "id": world.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "created": now,
        "currency": source["currency"],
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [{**details, "type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": type,
        "source": source["id"],
        "status": "available",
        "type": type,
    }
    return world.store.put(transaction | given)
