"""Checkout sessions (https://docs.stripe.com/api/checkout/sessions): to subscribe, to pay once, to set up a card."""

from typing import Any

from stripe.params import checkout as sdk

from ..protocol.errors import invalid, not_emulated
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World
from . import checkout_discounts, checkout_lines, checkout_tax, setup_intent
from .checkout_lines import PATH
from .checkout_session import KIND, new_session

Object = dict[str, Any]
EMULATED = """allow_promotion_codes allowed_payment_method_types automatic_tax.enabled billing_address_collection
    cancel_url client_reference_id currency customer customer_creation customer_email customer_update.address
    customer_update.name customer_update.shipping discounts.coupon discounts.promotion_code expires_at
    line_items.price line_items.price_data line_items.quantity locale metadata mode
    payment_intent_data.description payment_intent_data.metadata payment_intent_data.receipt_email
    payment_intent_data.setup_future_usage payment_intent_data.shipping
    payment_intent_data.statement_descriptor_suffix payment_method_collection setup_intent_data.metadata
    setup_intent_data.description subscription_data.billing_cycle_anchor subscription_data.description
    subscription_data.metadata subscription_data.proration_behavior subscription_data.trial_end
    subscription_data.trial_period_days subscription_data.trial_settings success_url submit_type ui_mode"""
LIST = f"created customer customer_details payment_intent status subscription {PAGING}"
DAY, HALF_HOUR = 86400, 1800
BELONGS = {"payment_intent_data": "payment", "setup_intent_data": "setup", "subscription_data": "subscription"}


def register(routes: Routes) -> None:
    routes.add("POST", PATH, create, sdk.SessionCreateParams, EMULATED)
    routes.add("GET", PATH, list_, sdk.SessionListParams, LIST)
    routes.add("GET", PATH + "/{id}", retrieve, sdk.SessionRetrieveParams)
    routes.add("POST", PATH + "/{id}", update, sdk.SessionUpdateParams, "metadata")
    routes.add("POST", PATH + "/{id}/expire", expire, sdk.SessionExpireParams)
    routes.add("GET", PATH + "/{id}/line_items", checkout_lines.list_line_items, sdk.SessionListLineItemsParams)


def create(world: World, params: Object) -> Object:
    _refuse(params)
    customer = world.find("customer", params["customer"], "customer") if "customer" in params else None
    session = new_session(world, customer, _expiry(world, customer, params), params)
    world.store.put(session)
    if session["mode"] == "setup":
        _set_up(world, session)
    else:
        checkout_lines.price(world, session, params.get("line_items", []))
    checkout_discounts.at_creation(world, session, params)
    checkout_tax.at_creation(world, session, params)
    world.deadlines.set("expire_session", session, session["expires_at"])
    return session


def _refuse(params: Object) -> None:
    mode = params.get("mode", "payment")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_emulated(f"ui_mode={params['ui_mode']}", "ui_mode")
    if "success_url" not in params:
        raise invalid("Missing required param: success_url.", "success_url", "parameter_missing")
    for name in ("success_url", "cancel_url"):
        if "://" not in params.get(name, "://"):
            raise invalid("Not a valid URL", name, "url_invalid")
    if "card" not in params.get("allowed_payment_method_types", ["card"]):
        raise not_emulated("A Checkout Session without cards", "allowed_payment_method_types")
    if "customer" in params and "customer_email" in params:
        message = "You may only specify one of these parameters: customer, customer_email."
        raise invalid(message, "customer_email", "parameters_exclusive")
    if "customer_email" in params and "@" not in params["customer_email"]:
        raise invalid(f"Invalid email address: {params['customer_email']}", "customer_email", "email_invalid")
    if params.get("customer_creation") and mode == "subscription":
        raise invalid("`customer_creation` can only be used in `payment` and `setup` mode.", "customer_creation")
    for name, wanted in BELONGS.items():
        if name in params and mode != wanted:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", name)
    if mode == "setup" and "line_items" in params:
        raise invalid("You can not pass `line_items` in `setup` mode.", "line_items")


def _expiry(world: World, customer: Object | None, params: Object) -> int:
    now = world.now(customer["_clock"] if customer else None)
    at = int(params.get("expires_at", now + DAY))
    if not now + HALF_HOUR <= at <= now + DAY:
        raise invalid("The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", "expires_at")
    return at


def _set_up(world: World, session: Object) -> None:
    given = session["_setup"]
    intent = setup_intent.new(
        world,
        session["customer"],
        metadata=merged_metadata({}, given.get("metadata", {})),
        description=given.get("description"),
        _checkout=session["id"],
    )
    session["setup_intent"] = session["_intent"] = intent["id"]


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find(KIND, id)


def update(world: World, id: str, params: Object) -> Object:
    session = world.store.edit(world.find(KIND, id))
    if "metadata" in params:
        session["metadata"] = merged_metadata(session["metadata"], params["metadata"])
    return session


def list_(world: World, params: Object) -> Object:
    same = matching(params, "customer", "payment_intent", "status", "subscription")
    email = params.get("customer_details", {}).get("email")
    sessions = world.store.all(KIND)
    return page(
        sessions,
        params,
        PATH,
        lambda one: same(one) and (email is None or (one["customer_details"] or {}).get("email") == email),
    )


def expire(world: World, id: str, params: Object) -> Object:
    session = world.find(KIND, id)
    refuse_unless_open(session)
    expire_when_due(world, session)
    return session


def refuse_unless_open(session: Object) -> None:
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired or completed. This Checkout Session has '
            f"a status of {session['status']}."
        )


def expire_when_due(world: World, session: Object) -> None:
    """Over after its day, with whatever it had begun (https://docs.stripe.com/api/checkout/sessions/expire)."""
    if session["status"] != "open":
        return
    world.store.edit(session)
    session["status"], session["url"] = "expired", None
    world.deadlines.clear("expire_session", session)
    _abandon(world, session)
    world.emit("checkout.session.expired", session)


def _abandon(world: World, session: Object) -> None:
    intent = world.store.get(session.get("_intent") or "")
    if intent and intent["status"] not in ("succeeded", "canceled"):
        world.store.edit(intent)
        intent["status"], intent["cancellation_reason"], intent["next_action"] = "canceled", "abandoned", None
        if intent["object"] == "payment_intent":
            intent["canceled_at"], intent["cancellation_reason"] = world.now(None), "expired"
        world.emit(f"{intent['object']}.canceled", intent)
