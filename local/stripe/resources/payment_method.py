"""A new payment method as the API shows it (https://docs.stripe.com/api/payment_methods/object)."""

from typing import Any

from ..billing import cards
from ..protocol.parameters import merged_metadata
from ..world import World

Object = dict[str, Any]


def new(world: World, name: str, given: Object | None = None, prefix: str = "pm") -> Object:
    card, given = cards.CARDS[name], given or {}
    method: Object = {
        "id": world.new_id(prefix),
        "object": "payment_method",
        "_card": name,
        "_set_up": False,
        "allow_redisplay": "unspecified",
        "billing_details": {"address": _address({}), "email": None, "name": None, "phone": None, "tax_id": None},
        "card": _face(world, card, given),
        "created": world.now(None),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    return world.store.put(method)


def _face(world: World, card: cards.Card, given: Object) -> Object:
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "unchecked"},
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": given.get("exp_month", 11),
        "exp_year": given.get("exp_year", 2034),
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _address(given: Object) -> Object:
    return {key: given.get(key) or None for key in ("city", "country", "line1", "line2", "postal_code", "state")}


def apply(method: Object, params: Object) -> None:
    """What a call may say of one."""
    if "metadata" in params:
        method["metadata"] = merged_metadata(method["metadata"], params["metadata"])
    if "allow_redisplay" in params:
        method["allow_redisplay"] = params["allow_redisplay"]
    details = params.get("billing_details")
    if details:
        changed = {**method["billing_details"], **{key: value or None for key, value in details.items()}}
        changed["address"] = _address(changed["address"] or {})
        method["billing_details"] = changed
