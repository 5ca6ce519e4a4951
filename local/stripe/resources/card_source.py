"""Cards as customers had them before payment methods (https://docs.stripe.com/api/cards).

``source`` with a test token, as Stripe's own CLI still says it, makes such a card and the customer's default source.
A payment method of the same id charges it, as at Stripe
(https://docs.stripe.com/payments/payment-methods/transitioning#compatibility).
"""

from typing import Any

from ..billing import cards
from ..protocol.errors import missing
from ..protocol.expansion import includable
from ..protocol.lists import embedded
from ..world import World
from . import payment_methods
from .payment_method import new

Object = dict[str, Any]


def take(world: World, customer: Object, token: str) -> None:
    """The token's card becomes the default; one that is declined is refused as it would be by :func:`attach_to`."""
    known = cards.by_token(token) if token.startswith("tok_") else None
    if not known:
        raise missing("token", token, "source")
    method = payment_methods.attach_to(world, new(world, known[0], prefix="card"), customer)
    customer["default_source"] = method["id"]
    world.emit("customer.source.created", shown(method))


@includable("customer", "default_source")
def default_source(world: World, customer: Object) -> Object | None:
    method = world.store.get(customer["default_source"] or "")
    return shown(method) if method else None


@includable("customer", "sources")
def sources(world: World, customer: Object) -> Object:
    """Cards given by ``source``; those attached as payment methods are not among them."""
    methods = world.store.where("payment_method", "customer", customer["id"])
    found = [shown(one) for one in methods if one["id"].startswith("card_")]
    return embedded(found, f"/v1/customers/{customer['id']}/sources")


@includable("customer", "tax_ids")
def tax_ids(_: World, customer: Object) -> Object:
    """None: there is no call to make one."""
    return embedded([], f"/v1/customers/{customer['id']}/tax_ids")


def shown(method: Object) -> Object:
    """The card of a payment method."""
    face, details = method["card"], method["billing_details"]
    address = details["address"]
    return {
        "id": method["id"],
        "object": "card",
        "address_city": address["city"],
        "address_country": address["country"],
        "address_line1": address["line1"],
        "address_line1_check": face["checks"]["address_line1_check"],
        "address_line2": address["line2"],
        "address_state": address["state"],
        "address_zip": address["postal_code"],
        "address_zip_check": face["checks"]["address_postal_code_check"],
        "allow_redisplay": method["allow_redisplay"],
        "brand": BRANDS.get(face["brand"], "Unknown"),
        "country": face["country"],
        "customer": method["customer"],
        "cvc_check": face["checks"]["cvc_check"],
        "dynamic_last4": None,
        "exp_month": face["exp_month"],
        "exp_year": face["exp_year"],
        "fingerprint": face["fingerprint"],
        "funding": face["funding"],
        "last4": face["last4"],
        "metadata": method["metadata"],
        "name": details["name"],
        "regulated_status": face["regulated_status"],
        "tokenization_method": None,
    }


BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "MasterCard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
"""The names that cards have and payment methods do not."""
