"""What the hosted checkout page does when the customer presses its button.

The subscription, its invoice and the session's end come after the payment, never before: a card that is declined
leaves an open session and a failed payment intent, no subscription
(https://docs.stripe.com/changelog/basil/2025-03-31/checkout-legacy-subscription-upgrade).
"""

from typing import Any

from ..billing.payment_intent import new_intent, shipping_of
from ..protocol.parameters import merged_metadata
from ..world import World
from . import (
    checkout_discounts,
    checkout_tax,
    customers,
    payment_intents,
    payment_methods,
    setup_intent,
    setup_intents,
    subscription_create,
)
from .checkout_session import KIND, details_of
from .checkout_sessions import refuse_unless_open

Object = dict[str, Any]


def complete(world: World, id: str, token: str | None, address: Object | None = None) -> Object:
    """Without the page: pay with a test card, 3-D Secure passed. 402 when the card is declined."""
    session = world.find(KIND, id)
    refuse_unless_open(session)
    token = token or ("pm_card_visa" if needs_card(session) else None)
    method = payment_methods.resolve(world, token) if token else None
    waiting = submit(world, session, method, {"address": address} if address else {})
    if waiting:
        answer = {"payment_intent": payment_intents.answer_challenge, "setup_intent": setup_intents.answer_challenge}
        answer[waiting["object"]](world, waiting["id"], True)
    return session


def needs_card(session: Object) -> bool:
    always = session["mode"] != "payment" and session["payment_method_collection"] == "always"
    return session["mode"] == "setup" or always or bool(session["amount_total"])


def submit(world: World, session: Object, method: Object | None, given: Object) -> Object | None:
    """Press the button once, with a name, an e-mail and an address.

    Afterwards the session is complete, or the intent that is returned waits for 3-D Secure; when that is passed, the
    session completes by itself (:func:`follow`). 402 when the card is declined, and the session stays open.
    """
    refuse_unless_open(session)
    world.store.edit(session)["_given"] = given
    customer = _customer(world, session, given)
    checkout_tax.settle(world, session, customer, method, given)
    if method is None:
        _finish(world, session, customer, None)
        return None
    if session["mode"] != "setup" and customer:
        due = _due(world, session, customer, method)
    else:
        due = session["amount_total"] or 0
    intent = _payment(world, session, customer, due) if due else _setup(world, session, customer)
    session["_intent"] = intent["id"]
    confirm = payment_intents.confirm if due else setup_intents.confirm
    back = f"{world.url}/c/pay/{session['id']}"
    confirm(world, intent["id"], {"payment_method": method["id"], "return_url": back})
    if intent["status"] == "requires_action":
        return intent
    follow(world, intent)
    return None


def follow(world: World, intent: Object) -> None:
    """The session's intent succeeded: the session does what it was opened for."""
    session = world.store.get(intent.get("_checkout") or "")
    if session is None or session["status"] != "open" or intent["status"] != "succeeded":
        return
    world.store.edit(session)
    method = world.store.objects[intent["payment_method"]]
    _finish(world, session, world.store.get(session["customer"] or session.get("_customer") or ""), method)


payment_intents.when_authenticated.append(follow)
setup_intents.when_authenticated.append(follow)


def _customer(world: World, session: Object, given: Object) -> Object | None:
    """The session's own, or one made at the first press and kept for the next."""
    if session["customer"]:
        return world.find("customer", session["customer"], "customer")
    if session["customer_creation"] != "always":
        return None
    email = session["customer_email"] or given.get("email")
    wanted = {name: value for name, value in (("email", email), ("name", given.get("name"))) if value}
    if session.get("_customer"):
        return customers.update(world, session["_customer"], wanted)
    customer = customers.create(world, wanted)
    session["_customer"] = customer["id"]
    return customer


def _due(world: World, session: Object, customer: Object, method: Object) -> int:
    """What is left to pay today, with the customer's balance: the first invoice, made and taken back."""
    if session["mode"] == "payment":
        return int(session["amount_total"])
    with world.rehearsal():
        given = {**_subscription(session, customer), "payment_behavior": "default_incomplete"}
        subscription = subscription_create.create(world, given)
        invoice = world.store.get(subscription["latest_invoice"] or "")
        return int(invoice["amount_due"]) if invoice else 0


def _payment(world: World, session: Object, customer: Object | None, due: int) -> Object:
    """One payment intent for all tries; it learns of its invoice when the session is complete."""
    known = world.store.get(session.get("_intent") or "")
    if known and known["object"] == "payment_intent" and known["status"] != "canceled":
        world.store.edit(known)["amount"] = due
        return known
    given, subscribes = session.get("_payment", {}), session["mode"] == "subscription"
    intent = new_intent(
        world,
        due,
        session["currency"],
        customer["id"] if customer else None,
        _awaits_invoice=subscribes,
        _checkout=session["id"],
        description="Subscription creation" if subscribes else given.get("description"),
        metadata=merged_metadata({}, given.get("metadata", {})),
        receipt_email=given.get("receipt_email"),
        setup_future_usage="off_session" if subscribes else given.get("setup_future_usage"),
        shipping=shipping_of(given.get("shipping")),
        statement_descriptor_suffix=given.get("statement_descriptor_suffix"),
    )
    world.emit("payment_intent.created", intent)
    if not subscribes:
        session["payment_intent"] = intent["id"]
    return intent


def _setup(world: World, session: Object, customer: Object | None) -> Object:
    """The card is set up when nothing is due; in setup mode by the intent that is there from the beginning."""
    known = world.store.get(session.get("_intent") or "")
    if known and known["object"] == "setup_intent" and known["status"] not in ("succeeded", "canceled"):
        world.store.edit(known)
        if customer and known["customer"] != customer["id"]:
            known["customer"] = customer["id"]
            world.store.reindex(known)
        return known
    return setup_intent.new(world, customer["id"] if customer else None, _checkout=session["id"])


def _finish(world: World, session: Object, customer: Object | None, method: Object | None) -> None:
    if method:
        world.store.edit(method)
        method["_set_up"], method["allow_redisplay"] = True, "limited"
    if session["mode"] == "subscription":
        assert customer is not None
        _subscribe(world, session, customer, method)
    elif session["mode"] == "payment":
        checkout_discounts.redeem(world, session, customer)
        session["payment_status"] = "paid" if session["amount_total"] else "no_payment_required"
    session["status"], session["url"] = "complete", None
    session["customer"] = customer["id"] if customer else None
    world.store.reindex(session)
    session["customer_details"] = _details(session, customer)
    world.deadlines.clear("expire_session", session)
    world.emit("checkout.session.completed", session)


def _details(session: Object, customer: Object | None) -> Object | None:
    given = session.get("_given") or {}
    details = details_of(customer, session["customer_email"] or given.get("email"))
    if details:
        details["name"] = given.get("name") or details["name"]
        details["address"] = given.get("address") or details["address"]
    return details


def _subscription(session: Object, customer: Object) -> Object:
    # What was sold when the session was opened is sold, also when its price is archived since.
    items = [{"price": one["price"]["id"], "quantity": one["quantity"], "_agreed": True} for one in session["_lines"]]
    given = {**session["_data"], **checkout_discounts.carried(session), **checkout_tax.carried(session)}
    return {**given, "customer": customer["id"], "items": items, "off_session": True}


def _subscribe(world: World, session: Object, customer: Object, method: Object | None) -> None:
    given = {**_subscription(session, customer), "payment_behavior": "error_if_incomplete"}
    if method:
        given["default_payment_method"] = method["id"]
    subscription = subscription_create.create(world, given)
    session["subscription"], session["invoice"] = subscription["id"], subscription["latest_invoice"]
    session["payment_status"] = "paid" if session["amount_total"] else "no_payment_required"
