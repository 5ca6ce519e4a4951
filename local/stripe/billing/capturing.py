"""Money that is held on a card first and taken later (https://docs.stripe.com/payments/place-a-hold-on-a-payment-method)."""

from typing import Any

from ..world import World
from . import funds

Object = dict[str, Any]
HELD_FOR = 7 * 86400
"""How long a card's bank keeps it."""


def hold(world: World, intent: Object, charge: Object) -> None:
    """Authorized, not taken."""
    charge["captured"], charge["amount_captured"] = False, 0
    charge["payment_method_details"]["card"]["capture_before"] = charge["created"] + HELD_FOR
    world.emit("charge.succeeded", charge)
    intent["status"], intent["latest_charge"] = "requires_capture", charge["id"]
    intent["amount_capturable"], intent["last_payment_error"] = intent["amount"], None
    world.emit("payment_intent.amount_capturable_updated", intent)


def take(world: World, intent: Object) -> None:
    """All that was held."""
    charge = world.store.edit(world.store.objects[intent["latest_charge"]])
    charge["captured"], charge["amount_captured"] = True, charge["amount"]
    funds.take_in(world, charge)
    world.emit("charge.captured", charge)
    world.store.edit(intent)
    intent["status"], intent["amount_capturable"], intent["amount_received"] = "succeeded", 0, intent["amount"]
    world.emit("payment_intent.succeeded", intent)


def let_go(world: World, intent: Object) -> None:
    """Canceled: nothing of it will be taken."""
    if not intent["amount_capturable"]:
        return
    charge = world.store.edit(world.store.objects[intent["latest_charge"]])
    charge["refunded"], charge["amount_refunded"] = True, charge["amount"]
    world.emit("charge.refunded", charge)
    world.store.edit(intent)["amount_capturable"] = 0
