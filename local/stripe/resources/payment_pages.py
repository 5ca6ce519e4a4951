"""The private calls by which Stripe's own CLI plays a customer at checkout (``stripe trigger checkout.session.*``).

They are not part of Stripe's public API; what they answer here is the checkout session itself. See ``payment_pages`` in
the triggers of https://github.com/stripe/stripe-cli.
"""

from typing import Any, NotRequired, TypedDict

from ..protocol.errors import invalid
from ..routing import Routes
from ..world import World
from . import checkout_completion, payment_methods
from .checkout_session import KIND

Object = dict[str, Any]


class PaymentPageConfirmParams(TypedDict):
    payment_method: NotRequired[str]
    expected_amount: NotRequired[int]
    """What the customer saw, in the currency's smallest unit."""


def register(routes: Routes) -> None:
    path = "/v1/payment_pages/{id}"
    routes.add("GET", path, retrieve, None)
    routes.add("POST", path + "/init", retrieve, None)
    routes.add("POST", path + "/confirm", confirm, PaymentPageConfirmParams)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find(KIND, id)


def confirm(world: World, id: str, params: Object) -> Object:
    session = world.find(KIND, id)
    if params.get("expected_amount", session["amount_total"]) != session["amount_total"]:
        raise invalid("The expected amount does not match the amount of the session.", "expected_amount")
    method = payment_methods.resolve(world, params["payment_method"]) if "payment_method" in params else None
    given = {name: method["billing_details"][name] for name in ("name", "email", "address")} if method else {}
    checkout_completion.submit(world, session, method, given)
    return session
