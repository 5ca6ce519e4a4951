"""Money that goes back to a card (https://docs.stripe.com/refunds)."""

from typing import Any

from ..protocol.errors import invalid
from ..world import World
from . import cards, disputing, funds
from .lines import money

Object = dict[str, Any]
SETTLES_AFTER = 1
"""Seconds until the bank answers for the test cards whose refunds take their time."""


def refund(world: World, charge: Object, amount: int | None, reason: str | None, metadata: Object) -> Object:
    """Give back all that is left of a charge, or a part; the invoice stays paid."""
    amount = _allowed(world, charge, amount)
    method = world.store.get(charge["payment_method"] or "")
    behavior = cards.CARDS[method["_card"]].refund if method else None
    made = world.store.put(_new(world, charge, amount, reason, metadata))
    made["status"] = "pending" if behavior == "pending" else "succeeded"
    _take_out(world, made)
    world.emit("refund.created", made)
    with world.changing(charge, "charge.refunded"):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    if behavior:
        made["_fails"] = behavior == "failing"
        world.deadlines.set("settle_refund", made, world.now(made["_clock"]) + SETTLES_AFTER)
    inquiry = disputing.of_charge(world, charge)
    if inquiry and charge["refunded"] and inquiry["status"] not in disputing.OVER:
        disputing.close_inquiry(world, inquiry)
    return made


def _allowed(world: World, charge: Object, amount: int | None) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", None, "charge_already_refunded")
    dispute = disputing.of_charge(world, charge)
    if dispute and not dispute["is_charge_refundable"]:
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise invalid(message, None, "charge_disputed")
    if amount is not None and amount < 1:
        raise invalid("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer")
    if amount is not None and amount > left:
        wanted, rest = money(amount, charge["currency"]), money(left, charge["currency"])
        raise invalid(f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({rest})", "amount")
    return left if amount is None else amount


def _new(world: World, charge: Object, amount: int, reason: str | None, metadata: Object) -> Object:
    """Stamped with the wall clock, like every payment (stripe-python issue 1183)."""
    reference = {"reference_status": "pending", "reference_type": "acquirer_reference_number"}
    return {
        "id": world.new_id("re"),
        "object": "refund",
        "_clock": charge["_clock"],
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": world.now(None),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {"card": {**reference, "type": "refund"}, "type": "card"},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _take_out(world: World, made: Object) -> None:
    moved = funds.move(world, "refund", made, -made["amount"], "REFUND FOR CHARGE")
    made["balance_transaction"] = moved["id"]


def settle(world: World, made: Object) -> None:
    """The bank's late answer: a pending refund succeeds, or one that seemed well fails and the money comes back."""
    if made.get("_fails"):
        return fail(world, made)
    if made["status"] == "pending":
        with world.changing(made, None):
            made["status"] = "succeeded"
        tell(world, made, {"status": "pending"})


def fail(world: World, made: Object) -> None:
    """https://docs.stripe.com/refunds#failed-refunds"""
    before = made["status"]
    _give_back(world, made, "failed")
    made["failure_reason"] = "expired_or_canceled_card"
    tell(world, made, {"status": before, "failure_balance_transaction": None, "failure_reason": None})
    world.emit("refund.failed", made)


def cancel(world: World, made: Object) -> None:
    if made["status"] not in ("pending", "requires_action"):
        raise invalid("Canceling this refund is unsupported.")
    world.deadlines.clear("settle_refund", made)
    _give_back(world, made, "canceled")
    tell(world, made, {"status": "pending", "failure_balance_transaction": None})


def _give_back(world: World, made: Object, status: str) -> None:
    charge = world.store.edit(world.store.objects[made["charge"]])
    charge["amount_refunded"] -= made["amount"]
    charge["refunded"] = False
    words = "REFUND FAILURE" if status == "failed" else "REFUND CANCELED"
    moved = funds.move(world, "refund_failure", made, made["amount"], words)
    world.store.edit(made)
    made["status"], made["failure_balance_transaction"] = status, moved["id"]


def tell(world: World, made: Object, previous: Object) -> None:
    """By both names: the refund's own, and that of refunds of charges (https://docs.stripe.com/api/events/types)."""
    world.emit("refund.updated", made, previous)
    world.emit("charge.refund.updated", made, previous)
