"""A new payment intent as the API shows it (https://docs.stripe.com/api/payment_intents/object)."""

from typing import Any

from ..protocol.errors import invalid
from ..world import World
from .balance import smallest_charge
from .lines import money

Object = dict[str, Any]
LARGEST = 99_999_999
"""Eight digits, in minor units."""


def refuse_amount(amount: int, currency: str) -> None:
    """https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts"""
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer")
    if amount < smallest_charge(currency):
        message = f"Amount must be at least {money(smallest_charge(currency), currency)} {currency}"
        raise invalid(message, "amount", "amount_too_small")
    if amount > LARGEST:
        message = f"Amount must be no more than {money(LARGEST, currency)}"
        raise invalid(message, "amount", "amount_too_large")


def new_intent(world: World, amount: int, currency: str, customer: str | None, **given: Any) -> Object:
    id = world.new_id("pi")
    intent: Object = {
        "id": id,
        "object": "payment_intent",
        "_clock": world.clock_of(customer),
        "_invoice": None,
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{id}_{world.new_id('secret')}",
        "confirmation_method": "automatic",
        # Test clocks do not reach payments: Stripe stamps them with the wall clock (stripe-python issue 1183).
        "created": world.now(None),
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "payment_record": None,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    intent.update(given)
    return world.store.put(intent)


def shipping_of(given: Object | None) -> Object | None:
    """The whole hash of an address, with null for what was not given."""
    if not given:
        return None
    parts = ("city", "country", "line1", "line2", "postal_code", "state")
    address = {name: given.get("address", {}).get(name) or None for name in parts}
    rest = {name: given.get(name) or None for name in ("carrier", "name", "phone", "tracking_number")}
    return {"address": address, **rest}
