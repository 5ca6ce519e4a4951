"""A new setup intent as the API shows it (https://docs.stripe.com/api/setup_intents/object)."""

from typing import Any

from ..world import World

Object = dict[str, Any]


def new(world: World, customer: str | None, **given: Any) -> Object:
    id = world.new_id("seti")
    intent: Object = {
        "id": id,
        "object": "setup_intent",
        "_clock": world.clock_of(customer),
        "_subscription": None,
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{id}_{world.new_id('secret')}",
        "created": world.now(None),
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    intent.update(given)
    world.store.put(intent)
    world.emit("setup_intent.created", intent)
    return intent
