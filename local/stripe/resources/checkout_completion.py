"""What the hosted checkout page does when the customer presses its button.

https://docs.stripe.com/payments/checkout/how-checkout-works
"""

from typing import Any

from ..protocol.parameters import merged_metadata
from ..world import World
from . import customers, payment_methods, setup_intent, setup_intents, subscription_create
from .checkout_sessions import KIND, details_of, refuse_unless_open

Object = dict[str, Any]


def complete(world: World, id: str, token: str | None) -> Object:
    """What the hosted page does when the customer presses the button; 3-D Secure counts as passed."""
    session = world.find(KIND, id)
    refuse_unless_open(session)
    world.store.edit(session)
    customer = _customer(world, session)
    needs_card = session["mode"] == "setup" or session["payment_method_collection"] == "always"
    method = _card(world, customer, token or ("pm_card_visa" if needs_card or session["amount_total"] else None))
    if session["mode"] == "setup":
        _set_up(world, session, customer, method)
    else:
        _subscribe(world, session, customer, method)
    session["status"], session["url"] = "complete", None
    session["customer_details"] = details_of(customer, session["customer_email"])
    world.deadlines.clear("expire_session", session)
    world.emit("checkout.session.completed", session)
    return session


def _customer(world: World, session: Object) -> Object:
    if session["customer"]:
        return world.find("customer", session["customer"], "customer")
    given = {"email": session["customer_email"]} if session["customer_email"] else {}
    customer = customers.create(world, given)
    session["customer"] = customer["id"]
    world.store.reindex(session)
    return customer


def _card(world: World, customer: Object, token: str | None) -> Object | None:
    if token is None:
        return None
    method = payment_methods.attach_to(world, payment_methods.resolve(world, token), customer)
    world.store.edit(method)
    method["_set_up"], method["allow_redisplay"] = True, "limited"
    return method


def _set_up(world: World, session: Object, customer: Object, method: Object | None) -> None:
    assert method is not None
    given = session["_setup"]
    intent = setup_intent.new(
        world,
        customer["id"],
        payment_method=method["id"],
        metadata=merged_metadata({}, given.get("metadata", {})),
        description=given.get("description"),
    )
    setup_intents.complete(world, intent)
    session["setup_intent"] = intent["id"]


def _subscribe(world: World, session: Object, customer: Object, method: Object | None) -> None:
    """A decline leaves the session open, as the page would."""
    items = [{"price": one["price"]["id"], "quantity": one["quantity"]} for one in session["_lines"]]
    given: Object = {**session["_data"], "customer": customer["id"], "items": items, "off_session": True}
    given["payment_behavior"] = "error_if_incomplete"
    if method:
        given["default_payment_method"] = method["id"]
    subscription = subscription_create.create(world, given)
    session["subscription"], session["invoice"] = subscription["id"], subscription["latest_invoice"]
    session["payment_status"] = "paid" if session["amount_total"] else "no_payment_required"
