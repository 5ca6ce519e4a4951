"""Payment intents and their charges (https://docs.stripe.com/payments/payment-intents)."""

from typing import Any

from ..world import World, visible
from . import authentication, capturing, cards, disputing, funds
from .charging import new_charge
from .payment_intent import new_intent

Object = dict[str, Any]
SUCCEEDED, DECLINED, REQUIRES_ACTION = "succeeded", "declined", "requires_action"
REASONS = {
    "subscription_create": "Subscription creation",
    "subscription_update": "Subscription update",
    "manual": "Payment for Invoice",
}
CLOSED = ("succeeded", "canceled")


def prepare(world: World, invoice: Object) -> Object:
    """The payment intent of a finalized invoice and the invoice payment that joins them."""
    intent = _paid_at_checkout(world, invoice)
    if intent is None:
        intent = _unpaid(world, invoice)
        world.emit("payment_intent.created", intent)
    payment: Object = {
        "id": world.new_id("inpay"),
        "object": "invoice_payment",
        "_clock": invoice["_clock"],
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": world.now(invoice["_clock"]),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    world.store.put(payment)
    return intent


def _paid_at_checkout(world: World, invoice: Object) -> Object | None:
    """Checkout takes the money first and makes the subscription and its invoice afterwards."""
    if invoice["billing_reason"] != "subscription_create":
        return None
    found = world.store.where("payment_intent", "customer", invoice["customer"])
    intent = next((one for one in found if one.get("_awaits_invoice") and one["status"] == "succeeded"), None)
    if intent:
        world.store.edit(intent)["_invoice"] = invoice["id"]
        del intent["_awaits_invoice"]
    return intent


def _unpaid(world: World, invoice: Object) -> Object:
    reason = invoice["billing_reason"]
    intent = new_intent(
        world,
        invoice["amount_due"],
        invoice["currency"],
        invoice["customer"],
        _invoice=invoice["id"],
        description=REASONS.get(reason, "Subscription update"),
        setup_future_usage="off_session" if reason == "subscription_create" else None,
        statement_descriptor=None,
    )
    chosen = method_for(world, invoice)
    if chosen:
        intent["payment_method"], intent["status"] = chosen["id"], "requires_confirmation"
    return intent


def payment_of(world: World, invoice: Object) -> Object | None:
    found = world.store.where("invoice_payment", "invoice", invoice["id"])
    return next((one for one in found if one["is_default"]), None)


def intent_of(world: World, invoice: Object) -> Object | None:
    payment = payment_of(world, invoice)
    return world.store.get(payment["payment"]["payment_intent"]) if payment else None


def method_for(world: World, invoice: Object) -> Object | None:
    """The invoice's own, else the subscription's, else the customer's default payment method, else its old source."""
    subscription = world.store.get(invoice["_subscription"] or "")
    customer = world.store.objects[invoice["customer"]]
    candidates = (
        invoice["default_payment_method"],
        subscription["default_payment_method"] if subscription else None,
        customer["invoice_settings"]["default_payment_method"],
        customer["default_source"],
    )
    return next((world.store.get(one) for one in candidates if one), None)


def attempt(
    world: World,
    intent: Object,
    method: Object,
    *,
    off_session: bool,
    authenticated: bool = False,
    patient: bool = True,
) -> str:
    """Charge the card once. ``patient`` waits for authentication; otherwise needing it is a decline."""
    if intent["status"] == "succeeded":
        return SUCCEEDED
    card = cards.CARDS[method["_card"]]
    world.store.edit(intent)
    intent["next_action"] = None
    intent["payment_method"] = method["id"]
    if not authenticated and authentication.required(card, method, off_session):
        if not patient:
            return _declined(world, intent, method, "authentication_required")
        authentication.challenge(world, intent)
        return REQUIRES_ACTION
    if card.charge:
        return _declined(world, intent, method, card.charge)
    charge = new_charge(world, intent, method, None)
    if intent["capture_method"] == "manual":
        capturing.hold(world, intent, charge)
        return SUCCEEDED
    funds.take_in(world, charge)
    world.emit("charge.succeeded", charge)
    if card.dispute:
        disputing.open_by_card(world, charge, card.dispute)
    intent["status"], intent["latest_charge"] = "succeeded", charge["id"]
    intent["amount_received"], intent["last_payment_error"] = intent["amount"], None
    if intent["setup_future_usage"]:
        world.store.edit(method)["_set_up"] = True
    world.emit("payment_intent.succeeded", intent)
    return SUCCEEDED


def _declined(world: World, intent: Object, method: Object, decline: str) -> str:
    charge = new_charge(world, intent, method, decline)
    world.emit("charge.failed", charge)
    code, decline_code, message = cards.codes(decline)
    intent["status"], intent["latest_charge"], intent["payment_method"] = "requires_payment_method", charge["id"], None
    intent["last_payment_error"] = {
        "charge": charge["id"],
        "code": code,
        "decline_code": decline_code,
        "doc_url": f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}",
        "message": message,
        "payment_method": visible(method),
        "type": "card_error",
    }
    world.emit("payment_intent.payment_failed", intent)
    return DECLINED


def cancel_for(world: World, invoice: Object, reason: str | None) -> None:
    payment, intent = payment_of(world, invoice), intent_of(world, invoice)
    if payment and payment["status"] == "open":
        world.store.edit(payment)["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = world.now(invoice["_clock"])
    if intent and intent["status"] not in CLOSED:
        cancel(world, intent, reason)


def cancel(world: World, intent: Object, reason: str | None) -> None:
    world.store.edit(intent)
    intent["status"], intent["canceled_at"], intent["cancellation_reason"] = "canceled", world.now(None), reason
    intent["next_action"] = None
    world.emit("payment_intent.canceled", intent)
