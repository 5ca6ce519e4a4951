"""Checkout sessions (https://docs.stripe.com/api/checkout/sessions) for subscriptions and for setting up a card."""

from typing import Any

from stripe.params import checkout as sdk

from ..billing import lines
from ..protocol.errors import invalid, not_emulated
from ..protocol.expansion import includable
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World
from . import subscription_items

Object = dict[str, Any]
KIND, PATH = "checkout.session", "/v1/checkout/sessions"
EMULATED = """allow_promotion_codes billing_address_collection cancel_url client_reference_id currency customer
    customer_email expires_at line_items.price line_items.price_data line_items.quantity locale metadata mode
    payment_method_collection payment_method_types setup_intent_data.metadata setup_intent_data.description
    subscription_data.billing_cycle_anchor subscription_data.description subscription_data.metadata
    subscription_data.trial_end subscription_data.trial_period_days subscription_data.trial_settings success_url
    submit_type ui_mode"""
LIST = f"created customer customer_details payment_intent status subscription {PAGING}"
DAY, HALF_HOUR = 86400, 1800


def register(routes: Routes) -> None:
    routes.add("POST", PATH, create, sdk.SessionCreateParams, EMULATED)
    routes.add("GET", PATH, list_, sdk.SessionListParams, LIST)
    routes.add("GET", PATH + "/{id}", retrieve, sdk.SessionRetrieveParams)
    routes.add("POST", PATH + "/{id}/expire", expire, sdk.SessionExpireParams)
    routes.add("GET", PATH + "/{id}/line_items", list_line_items, sdk.SessionListLineItemsParams)


def create(world: World, params: Object) -> Object:
    mode = params.get("mode") or ""
    if mode not in ("subscription", "setup"):
        raise not_emulated(f"Checkout in mode {mode or 'payment'}", "mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_emulated(f"ui_mode={params['ui_mode']}", "ui_mode")
    if "success_url" not in params:
        raise invalid("Missing required param: success_url.", "success_url", "parameter_missing")
    if params.get("allow_promotion_codes"):
        raise not_emulated("allow_promotion_codes", "allow_promotion_codes")
    customer = world.find("customer", params["customer"], "customer") if "customer" in params else None
    session = _template(world, customer, params)
    world.store.put(session)
    if mode == "subscription":
        _price(world, session, params)
    world.deadlines.set("expire_session", session, session["expires_at"])
    return session


def _expiry(world: World, clock: str | None, params: Object) -> int:
    now = world.now(clock)
    at = int(params.get("expires_at", now + DAY))
    if not now + HALF_HOUR <= at <= now + DAY:
        raise invalid("The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", "expires_at")
    return at


def _template(world: World, customer: Object | None, params: Object) -> Object:
    clock = customer["_clock"] if customer else None
    id = world.new_id("cs_test", 58)
    email = params.get("customer_email")
    subscribes = params["mode"] == "subscription"
    return {
        "id": id,
        "object": KIND,
        "_clock": clock,
        "_data": params.get("subscription_data", {}),
        "_setup": params.get("setup_intent_data", {}),
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": world.now(clock),
        "currency": params.get("currency"),
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": customer["id"] if customer else None,
        "customer_account": None,
        "customer_creation": None if customer else "always",
        "customer_details": details_of(customer, email),
        "customer_email": email,
        "discounts": [],
        "expires_at": _expiry(world, clock, params),
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.get("locale"),
        "managed_payments": None,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "mode": params["mode"],
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.get("payment_method_collection", "always"),
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid" if subscribes else "no_payment_required",
        "permissions": None,
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": None,
        "ui_mode": "hosted_page",
        "url": f"{world.url}/c/pay/{id}",
        "wallet_options": None,
    }


def details_of(customer: Object | None, email: str | None) -> Object | None:
    if customer is None and email is None:
        return None
    known = customer or {}
    return {
        "address": known.get("address"),
        "business_name": None,
        "email": known.get("email") or email,
        "individual_name": None,
        "name": known.get("name"),
        "phone": known.get("phone"),
        "tax_exempt": known.get("tax_exempt", "none"),
        "tax_ids": [],
    }


def _price(world: World, session: Object, params: Object) -> None:
    """The lines, and what is due on the page: nothing while on trial."""
    entries = params.get("line_items", [])
    if not entries:
        raise invalid("Missing required param: line_items.", "line_items", "parameter_missing")
    free = bool(session["_data"].get("trial_period_days") or session["_data"].get("trial_end"))
    session["_lines"] = []
    for position, entry in enumerate(entries):
        price = subscription_items.price_of(world, entry, f"line_items[{position}]")
        quantity = entry.get("quantity", 1)
        amount = 0 if free else lines.unit_amount(price) * quantity
        session["currency"] = price["currency"]
        session["_lines"].append(_line(world, price, quantity, amount))
    session["amount_subtotal"] = session["amount_total"] = sum(one["amount_total"] for one in session["_lines"])
    session["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}


def _line(world: World, price: Object, quantity: int, amount: int) -> Object:
    return {
        "id": world.new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": lines.product_name(world, price),
        "metadata": {},
        "price": dict(price),
        "quantity": quantity,
    }


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find(KIND, id)


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


def list_line_items(world: World, id: str, params: Object) -> Object:
    return page(world.find(KIND, id).get("_lines", []), params, f"{PATH}/{id}/line_items")


@includable(KIND, "line_items")
def line_items(world: World, session: Object) -> Object:
    return page(session.get("_lines", []), {"limit": 100}, f"{PATH}/{session['id']}/line_items")


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
    if session["status"] == "open":
        world.store.edit(session)
        session["status"], session["url"] = "expired", None
        world.deadlines.clear("expire_session", session)
        world.emit("checkout.session.expired", session)
