"""3-D Secure: when the customer's bank asks, and what follows (https://docs.stripe.com/payments/3d-secure)."""

from typing import Any

from ..world import World, visible
from . import cards

Object = dict[str, Any]


def required(card: cards.Card, method: Object, off_session: bool) -> bool:
    """A card that was set up is charged in the customer's absence, unless it asks always.

    Radar's rule for ``threeDSecure2Required`` asks on and off session (https://docs.stripe.com/testing#regulatory-cards).
    """
    if not off_session:
        return card.on_session
    return card.off_session and (not method["_set_up"] or card.number in cards.ALWAYS_AUTHENTICATES)


def challenge(world: World, intent: Object) -> None:
    """Somebody has to answer: on the page, or by ``/_local/payment_intents/{id}/authenticate``."""
    intent["status"] = "requires_action"
    return_url = intent.get("_return_url")
    page = f"{world.url}/3ds/{intent['id']}"
    if return_url:
        intent["next_action"] = {"redirect_to_url": {"return_url": return_url, "url": page}, "type": "redirect_to_url"}
    else:
        details = {"type": "three_d_secure_redirect", "stripe_js": page, "source": world.new_id("src")}
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": details}
    world.emit("payment_intent.requires_action", intent)


def fail(world: World, intent: Object) -> None:
    """The customer did not pass 3-D Secure."""
    method = world.store.objects[intent["payment_method"]]
    world.store.edit(intent)
    intent["status"], intent["next_action"], intent["payment_method"] = "requires_payment_method", None, None
    code = "payment_intent_authentication_failure"
    intent["last_payment_error"] = {
        "code": code,
        "doc_url": f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}",
        "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
        "PaymentMethod to attempt to fulfill this PaymentIntent again.",
        "payment_method": visible(method),
        "type": "card_error",
    }
    world.emit("payment_intent.payment_failed", intent)
