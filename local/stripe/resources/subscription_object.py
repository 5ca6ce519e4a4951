"""A new subscription as the API shows it (https://docs.stripe.com/api/subscriptions/object)."""

from typing import Any

from ..protocol.errors import invalid, not_emulated
from ..protocol.parameters import merged_metadata
from ..world import World
from . import payment_methods

Object = dict[str, Any]
PAYMENT_SETTINGS = "payment_settings.payment_method_types payment_settings.save_default_payment_method"


def new_subscription(world: World, customer: Object, params: Object) -> Object:
    now, method = world.now(customer["_clock"]), params.get("default_payment_method")
    if method:
        payment_methods.owned(world, method, customer["id"], "default_payment_method")
    return {
        "id": world.new_id("sub"),
        "object": "subscription",
        "_clock": customer["_clock"],
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        **collection(params),
        "created": now,
        "currency": params.get("currency", "").lower(),
        "customer": customer["id"],
        "customer_account": None,
        "default_payment_method": method,
        "default_source": None,
        "default_tax_rates": [],
        "description": params.get("description"),
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "items": {},
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
            **payment_settings(params),
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": now,
        "status": "incomplete",
        "test_clock": customer["_clock"],
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": trial_settings(params),
        "trial_start": None,
    }


def payment_settings(params: Object) -> Object:
    return {name: value or None for name, value in params.get("payment_settings", {}).items()}


def trial_settings(params: Object) -> Object:
    """Without a card at its end a trial goes on to an invoice, unless told otherwise."""
    behavior = params.get("trial_settings", {}).get("end_behavior", {})
    if behavior.get("billing_cycle_anchor"):
        raise not_emulated("trial_settings[end_behavior][billing_cycle_anchor]", "trial_settings")
    wanted = behavior.get("missing_payment_method", "create_invoice")
    return {"end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": wanted}}


def collection(params: Object, before: Object | None = None) -> Object:
    """``collection_method`` and ``days_until_due``, which belongs to invoices that are sent."""
    before = before or {"collection_method": "charge_automatically", "days_until_due": None}
    method = params.get("collection_method", before["collection_method"])
    days = params.get("days_until_due")
    if method == "charge_automatically":
        if days is not None:
            message = "You can only set `days_until_due` when `collection_method` is `send_invoice`."
            raise invalid(message, "days_until_due")
        return {"collection_method": method, "days_until_due": None}
    days = before["days_until_due"] if days is None else days
    if days is None:
        message = "If collection_method is set to 'send_invoice', you must specify days_until_due."
        raise invalid(message, "days_until_due", "parameter_missing")
    return {"collection_method": method, "days_until_due": days}
