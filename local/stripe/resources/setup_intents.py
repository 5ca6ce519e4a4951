"""Setup intents (https://docs.stripe.com/api/setup_intents): a card is made ready for later."""

from collections.abc import Callable
from typing import Any

from stripe import params as sdk

from ..billing import cards
from ..protocol.errors import invalid
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World, visible
from . import payment_methods, test_clocks
from .setup_intent import new

Object = dict[str, Any]
CREATE = """automatic_payment_methods confirm customer description metadata payment_method payment_method_types
    return_url usage"""

when_authenticated: list[Callable[[World, Object], None]] = []
"""Called when a 3-D Secure challenge was passed: what waited for the card goes on."""


def register(routes: Routes) -> None:
    path = "/v1/setup_intents"
    routes.add("POST", path, create, sdk.SetupIntentCreateParams, CREATE)
    routes.add("GET", path, list_, sdk.SetupIntentListParams, f"created customer payment_method {PAGING}")
    routes.add("GET", path + "/{id}", retrieve, sdk.SetupIntentRetrieveParams)
    updates = "customer description metadata payment_method"
    routes.add("POST", path + "/{id}", update, sdk.SetupIntentUpdateParams, updates)
    routes.add("POST", path + "/{id}/confirm", confirm, sdk.SetupIntentConfirmParams, "payment_method return_url")
    routes.add("POST", path + "/{id}/cancel", cancel, sdk.SetupIntentCancelParams)


def create(world: World, params: Object) -> Object:
    customer = params.get("customer")
    if customer:
        world.find("customer", customer, "customer")
    automatic = params.get("automatic_payment_methods")
    intent = new(
        world,
        customer,
        automatic_payment_methods={"allow_redirects": "always", **automatic} if automatic else None,
        description=params.get("description"),
        metadata=merged_metadata({}, params.get("metadata", {})),
        usage=params.get("usage", "off_session"),
    )
    if "payment_method" in params:
        _choose(world, intent, params["payment_method"])
    if params.get("confirm"):
        return confirm(world, intent["id"], {key: params[key] for key in ("return_url",) if key in params})
    return intent


def _choose(world: World, intent: Object, id: str) -> None:
    method = payment_methods.resolve(world, id)
    if method["customer"] not in (None, intent["customer"]):
        raise invalid("The payment method belongs to another customer.", "payment_method")
    world.store.edit(intent)
    intent["payment_method"], intent["status"] = method["id"], "requires_confirmation"


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("setup_intent", id)


def update(world: World, id: str, params: Object) -> Object:
    intent = world.store.edit(world.find("setup_intent", id))
    if "customer" in params:
        intent["customer"] = world.find("customer", params["customer"], "customer")["id"]
        world.store.reindex(intent)
    if "payment_method" in params:
        _choose(world, intent, params["payment_method"])
    if "description" in params:
        intent["description"] = params["description"] or None
    if "metadata" in params:
        intent["metadata"] = merged_metadata(intent["metadata"], params["metadata"])
    return intent


def confirm(world: World, id: str, params: Object) -> Object:
    intent = world.store.edit(world.find("setup_intent", id))
    test_clocks.refuse_while_advancing(world, intent["_clock"])
    if intent["status"] in ("succeeded", "canceled"):
        message = f"You cannot confirm this SetupIntent because it has a status of {intent['status']}."
        raise invalid(message, None, "setup_intent_unexpected_state")
    if "payment_method" in params:
        _choose(world, intent, params["payment_method"])
    if not intent["payment_method"]:
        message = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise invalid(message, None, "setup_intent_unexpected_state")
    method = world.store.objects[intent["payment_method"]]
    card = cards.CARDS[method["_card"]]
    if card.attach:
        _fail(world, intent, method, card.attach)
        raise cards.decline(card.attach, setup_intent=visible(intent), payment_method=visible(method))
    if card.on_session:
        _challenge(world, intent, params.get("return_url"))
        return intent
    return complete(world, intent)


def make_ready(world: World, subscription: Object, method: Object | None) -> None:
    """When nothing is paid at first, the customer is asked for a card, or to authenticate the one there is.

    https://docs.stripe.com/billing/subscriptions/deferred-payment
    """
    if method and (method["_set_up"] or not cards.CARDS[method["_card"]].on_session):
        return
    intent = new(world, subscription["customer"], _subscription=subscription["id"])
    subscription["pending_setup_intent"] = intent["id"]
    if method:
        intent["payment_method"] = method["id"]
        _challenge(world, intent, None)


def _challenge(world: World, intent: Object, return_url: str | None) -> None:
    page_url = f"{world.url}/3ds/{intent['id']}"
    intent["status"] = "requires_action"
    if return_url:
        redirect = {"return_url": return_url, "url": page_url}
        intent["next_action"] = {"redirect_to_url": redirect, "type": "redirect_to_url"}
    else:
        details = {"type": "three_d_secure_redirect", "stripe_js": page_url}
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": details}
    world.emit("setup_intent.requires_action", intent)


def _fail(world: World, intent: Object, method: Object, decline: str) -> None:
    code, decline_code, message = cards.codes(decline)
    intent["status"], intent["payment_method"], intent["next_action"] = "requires_payment_method", None, None
    intent["last_setup_error"] = {
        "code": code,
        "doc_url": f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}",
        "message": message,
        "payment_method": visible(method),
        "type": "card_error",
    }
    if decline_code:
        intent["last_setup_error"]["decline_code"] = decline_code
    world.emit("setup_intent.setup_failed", intent)


def complete(world: World, intent: Object) -> Object:
    """The card is ready: attached, and free to be charged while the customer is away."""
    world.store.edit(intent)
    method = world.store.objects[intent["payment_method"]]
    intent["status"], intent["next_action"], intent["last_setup_error"] = "succeeded", None, None
    if intent["customer"]:
        payment_methods.attach_to(world, method, world.store.objects[intent["customer"]])
    world.store.edit(method)["_set_up"] = True
    world.emit("setup_intent.succeeded", intent)
    subscription = world.store.get(intent["_subscription"] or "")
    if subscription and subscription["pending_setup_intent"] == intent["id"]:
        with world.changing(subscription, "customer.subscription.updated"):
            subscription["pending_setup_intent"] = None
            if subscription["payment_settings"]["save_default_payment_method"] == "on_subscription":
                subscription["default_payment_method"] = method["id"]
    return intent


def answer_challenge(world: World, id: str, passed: bool) -> Object:
    """Stands in for the customer on the bank's page."""
    intent = world.find("setup_intent", id)
    if intent["status"] != "requires_action":
        raise invalid(f"This SetupIntent does not wait for authentication; it is {intent['status']}.")
    if passed:
        complete(world, intent)
        for go_on in when_authenticated:
            go_on(world, intent)
        return intent
    world.store.edit(intent)
    _fail(world, intent, world.store.objects[intent["payment_method"]], "authentication_required")
    intent["last_setup_error"]["code"] = "setup_intent_authentication_failure"
    return intent


def cancel(world: World, id: str, params: Object) -> Object:
    intent = world.find("setup_intent", id)
    if intent["status"] in ("succeeded", "canceled"):
        message = f"You cannot cancel this SetupIntent because it has a status of {intent['status']}."
        raise invalid(message, None, "setup_intent_unexpected_state")
    world.store.edit(intent)
    intent["status"], intent["cancellation_reason"] = "canceled", params.get("cancellation_reason")
    intent["next_action"] = None
    world.emit("setup_intent.canceled", intent)
    return intent


def list_(world: World, params: Object) -> Object:
    keep = matching(params, "customer", "payment_method")
    return page(world.store.all("setup_intent"), params, "/v1/setup_intents", keep)
