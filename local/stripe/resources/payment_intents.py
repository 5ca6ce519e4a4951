"""Payment intents (https://docs.stripe.com/api/payment_intents)."""

from collections.abc import Callable
from typing import Any

from stripe import params as sdk

from ..billing import authentication, capturing, cards, collection, payments
from ..billing.payment_intent import new_intent, refuse_amount, shipping_of
from ..protocol.errors import StripeError, invalid, not_emulated
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World, visible
from . import payment_methods, test_clocks

Object = dict[str, Any]
CREATE = """amount automatic_payment_methods capture_method confirm confirmation_method currency customer description
    metadata off_session payment_method payment_method_types receipt_email return_url setup_future_usage
    shipping statement_descriptor_suffix error_on_requires_action"""

when_authenticated: list[Callable[[World, Object], None]] = []
"""Called when a 3-D Secure challenge was passed and the charge succeeded: what waited for it goes on."""


def register(routes: Routes) -> None:
    path = "/v1/payment_intents"
    routes.add("POST", path, create, sdk.PaymentIntentCreateParams, CREATE)
    routes.add("GET", path, list_, sdk.PaymentIntentListParams, f"created customer {PAGING}")
    routes.add("GET", path + "/{id}", retrieve, sdk.PaymentIntentRetrieveParams)
    updates = "description metadata payment_method receipt_email setup_future_usage amount"
    routes.add("POST", path + "/{id}", update, sdk.PaymentIntentUpdateParams, updates)
    confirms = "payment_method off_session return_url setup_future_usage error_on_requires_action receipt_email"
    routes.add("POST", path + "/{id}/confirm", confirm, sdk.PaymentIntentConfirmParams, confirms)
    routes.add("POST", path + "/{id}/capture", capture, sdk.PaymentIntentCaptureParams, "amount_to_capture")
    routes.add("POST", path + "/{id}/cancel", cancel, sdk.PaymentIntentCancelParams)


def create(world: World, params: Object) -> Object:
    refuse_amount(params["amount"], params["currency"].lower())
    customer = params.get("customer")
    if customer:
        world.find("customer", customer, "customer")
    automatic = params.get("automatic_payment_methods")
    intent = new_intent(
        world,
        params["amount"],
        params["currency"].lower(),
        customer,
        automatic_payment_methods={"allow_redirects": "always", **automatic} if automatic else None,
        capture_method=params.get("capture_method", "automatic_async"),
        confirmation_method=params.get("confirmation_method", "automatic"),
        description=params.get("description"),
        metadata=merged_metadata({}, params.get("metadata", {})),
        receipt_email=params.get("receipt_email"),
        setup_future_usage=params.get("setup_future_usage"),
        shipping=shipping_of(params.get("shipping")),
        statement_descriptor_suffix=params.get("statement_descriptor_suffix"),
    )
    if "payment_method" in params:
        _choose(world, intent, params["payment_method"])
    world.emit("payment_intent.created", intent)
    if params.get("confirm"):
        names = ("off_session", "return_url", "error_on_requires_action")
        return confirm(world, intent["id"], {name: params[name] for name in names if name in params})
    return intent


def _choose(world: World, intent: Object, id: str) -> Object:
    method = payment_methods.resolve(world, id)
    if method["customer"] not in (None, intent["customer"]):
        raise invalid("The payment method belongs to another customer.", "payment_method")
    world.store.edit(intent)
    intent["payment_method"], intent["status"] = method["id"], "requires_confirmation"
    return method


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("payment_intent", id)


def update(world: World, id: str, params: Object) -> Object:
    intent = world.find("payment_intent", id)
    if intent["status"] in (*payments.CLOSED, "requires_capture"):
        raise _unexpected(intent, "update")
    if "amount" in params and intent["_invoice"]:
        raise invalid("The amount of an invoice's PaymentIntent cannot be changed.", "amount")
    if "amount" in params:
        refuse_amount(params["amount"], intent["currency"])
    world.store.edit(intent)
    if "payment_method" in params:
        _choose(world, intent, params["payment_method"])
    if "metadata" in params:
        intent["metadata"] = merged_metadata(intent["metadata"], params["metadata"])
    for name in ("amount", "description", "receipt_email", "setup_future_usage"):
        if name in params:
            intent[name] = params[name] or None
    return intent


def _unexpected(intent: Object, verb: str) -> StripeError:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return invalid(message, None, "payment_intent_unexpected_state")


def confirm(world: World, id: str, params: Object) -> Object:
    intent = world.find("payment_intent", id)
    test_clocks.refuse_while_advancing(world, intent["_clock"])
    if intent["status"] in (*payments.CLOSED, "requires_capture"):
        raise _unexpected(intent, "confirm")
    if "payment_method" in params:
        _choose(world, intent, params["payment_method"])
    if not intent["payment_method"]:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise invalid(message, None, "payment_intent_unexpected_state")
    world.store.edit(intent)["_return_url"] = params.get("return_url")
    if params.get("setup_future_usage"):
        intent["setup_future_usage"] = params["setup_future_usage"]
    patient = not params.get("off_session") and not params.get("error_on_requires_action")
    method = world.store.objects[intent["payment_method"]]
    away = bool(params.get("off_session"))
    passed = intent.pop("_authenticated", None) == method["id"]
    outcome = payments.attempt(world, intent, method, off_session=away, patient=patient, authenticated=passed)
    return settle(world, intent, method, outcome)


def settle(world: World, intent: Object, method: Object, outcome: str) -> Object:
    """Attach the card when it is kept, let the invoice follow, and answer a decline with 402."""
    keeps = intent["setup_future_usage"] and intent["customer"] and method["customer"] is None
    if outcome == payments.SUCCEEDED and keeps:
        payment_methods.attach_to(world, method, world.store.objects[intent["customer"]])
    elif outcome == payments.SUCCEEDED and method["customer"] is None:
        world.store.edit(method)["_used"] = True
    if outcome != payments.REQUIRES_ACTION:
        collection.payment_settled(world, intent, outcome)
    if outcome == payments.DECLINED:
        error = intent["last_payment_error"]
        raise cards.decline(
            error["decline_code"] or error["code"],
            charge=error.get("charge"),
            payment_intent=visible(intent),
            payment_method=visible(method),
        )
    return intent


def answer_challenge(world: World, id: str, passed: bool) -> Object:
    """Stands in for the customer on the bank's page: 3-D Secure passed, or not."""
    intent = world.find("payment_intent", id)
    if intent["status"] != "requires_action":
        raise invalid(f"This PaymentIntent does not wait for authentication; it is {intent['status']}.")
    method = world.store.objects[intent["payment_method"]]
    if passed and intent["confirmation_method"] == "manual":
        # https://docs.stripe.com/payments/finalize-payments-on-the-server: the shop confirms once more
        world.store.edit(intent)["_authenticated"] = method["id"]
        intent["status"], intent["next_action"] = "requires_confirmation", None
        return intent
    if passed:
        outcome = payments.attempt(world, intent, method, off_session=False, authenticated=True)
        settle(world, intent, method, outcome)
        for go_on in when_authenticated:
            go_on(world, intent)
        return intent
    authentication.fail(world, intent)
    collection.payment_settled(world, intent, payments.DECLINED)
    return intent


def capture(world: World, id: str, params: Object) -> Object:
    """Take what was held. https://docs.stripe.com/api/payment_intents/capture"""
    intent = world.find("payment_intent", id)
    if intent["status"] != "requires_capture":
        message = f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a "
        message += "PaymentIntent with one of the following statuses may be captured: requires_capture."
        raise invalid(message, None, "payment_intent_unexpected_state")
    wanted = params.get("amount_to_capture", intent["amount"])
    if wanted > intent["amount"]:
        raise invalid("The amount to capture is greater than the amount that can be captured.", "amount_to_capture")
    if wanted < intent["amount"]:
        raise not_emulated("Capturing a part of the amount", "amount_to_capture")
    capturing.take(world, intent)
    return intent


def cancel(world: World, id: str, params: Object) -> Object:
    intent = world.find("payment_intent", id)
    if intent["status"] in payments.CLOSED:
        raise _unexpected(intent, "cancel")
    if intent["_invoice"]:
        raise invalid("You cannot cancel the PaymentIntent of an invoice; void the invoice instead.")
    capturing.let_go(world, intent)
    payments.cancel(world, intent, params.get("cancellation_reason"))
    return intent


def list_(world: World, params: Object) -> Object:
    return page(world.store.all("payment_intent"), params, "/v1/payment_intents", matching(params, "customer"))
