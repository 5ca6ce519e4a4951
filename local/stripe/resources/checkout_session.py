"""A new checkout session as the API shows it (https://docs.stripe.com/api/checkout/sessions/object)."""

from typing import Any

from ..protocol.parameters import merged_metadata
from ..world import World

Object = dict[str, Any]
KIND = "checkout.session"


def new_session(world: World, customer: Object | None, expires_at: int, params: Object) -> Object:
    clock = customer["_clock"] if customer else None
    id = world.new_id("cs_test", 58)
    email = params.get("customer_email")
    mode = params.get("mode", "payment")
    return {
        "id": id,
        "object": KIND,
        "_clock": clock,
        "_data": params.get("subscription_data", {}),
        "_payment": params.get("payment_intent_data", {}),
        "_setup": params.get("setup_intent_data", {}),
        "_customer": None,
        "_intent": None,
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
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
        "customer_creation": _creation(mode, customer, params),
        "customer_details": details_of(customer, email),
        "customer_email": email,
        "discounts": [],
        "expires_at": expires_at,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.get("locale"),
        "managed_payments": None,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.get(
            "payment_method_collection", "always" if mode != "payment" else "if_required"
        ),
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
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


def _creation(mode: str, customer: Object | None, params: Object) -> str | None:
    """A subscription needs a customer; otherwise one is made only when asked for."""
    if customer:
        return None
    return "always" if mode == "subscription" else params.get("customer_creation", "if_required")


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
