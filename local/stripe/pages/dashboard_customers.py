"""Customers, and one customer with everything of theirs."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .. import control_disputes
from ..protocol.errors import invalid, missing
from ..resources import customers, payment_methods, refunds, subscription_cancel, subscriptions
from ..world import World
from .dashboard_frame import Dashboard, paged
from .dashboard_time import clock_facts
from .site import Fields

Object = dict[str, Any]
FAILING = "pm_card_chargeCustomerFail"
OVER = ("canceled", "incomplete_expired")
MOST_SHOWN = 50


def register(board: Dashboard) -> None:
    world, site = board.world, board.site
    one = "/dashboard/customers/{id}"

    def index(request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip().lower()
        found = (customer for customer in world.store.all("customer") if matches(customer, wanted))
        pages = paged(request, found)
        rows = [summary(world, customer) for customer in pages["items"]]
        return board.show(request, "customers", "customers", rows=rows, pages=pages, wanted=wanted)

    def show(request: Request) -> Response:
        customer = known(world, request)
        if customer.get("deleted"):
            return board.show(request, "customers", "customer_gone", customer=customer, **events_of(world, customer))
        return board.show(request, "customers", "customer", **everything(world, customer))

    def button(path: str, act: Any, done: str) -> None:
        def press(request: Request, fields: Fields) -> Response:
            customer = known(world, request)
            back = f"/dashboard/customers/{customer['id']}"
            return board.act(lambda: act(world, customer, fields), back, done)

        site.post(f"{one}/{path}", press)

    site.get("/dashboard", index)
    site.get(one, show)
    button("fail", let_fail, "fails")
    button("pay", let_pay, "pays")
    button("refund", lambda w, _, fields: refunds.create(w, {"charge": fields.get("charge", "")}), "refunded")
    button("dispute", lambda w, _, fields: control_disputes.open_for(w, fields.get("charge", ""), {}), "disputed")
    button("settle", settle, "settled")
    button("cancel", lambda w, _, fields: subscription_cancel.cancel(w, fields.get("subscription", ""), {}), "canceled")
    button("delete", lambda w, customer, _: customers.delete(w, customer["id"], {}), "deleted")


def known(world: World, request: Request) -> Object:
    """Deleted ones too: their invoices and events are still of interest."""
    customer = world.store.get(request.path_params["id"])
    if customer is None or customer["object"] != "customer":
        raise missing("customer", request.path_params["id"])
    return customer


def matches(customer: Object, wanted: str) -> bool:
    texts = (customer["id"], customer.get("name"), customer.get("email"))
    return not wanted or any(wanted in (text or "").lower() for text in texts)


def summary(world: World, customer: Object) -> Object:
    live = world.store.where("subscription", "customer", customer["id"])
    clock = world.store.get(customer.get("_clock") or "")
    return {"customer": customer, "subscription": live[0] if live else None, "clock": clock}


def everything(world: World, customer: Object) -> Object:
    id = customer["id"]

    def of(kind: str) -> list[Object]:
        return world.store.where(kind, "customer", id)[:MOST_SHOWN]

    charges = of("charge")
    disputes = {one["charge"]: one for one in world.store.all("dispute")} if charges else {}
    return {
        "customer": customer,
        "subscriptions": of("subscription"),
        "invoices": of("invoice"),
        "charges": [(charge, disputes.get(charge["id"])) for charge in charges],
        "cards": of("payment_method"),
        "sessions": [one for one in of("checkout.session") if one["status"] == "open"],
        "is_failing": bool(customer.get("_cards_before")),
        "time": clock_facts(world, customer["_clock"]),
        **events_of(world, customer),
    }


def events_of(world: World, customer: Object) -> Object:
    return {"events": world.events.mentioning(f'"{customer["id"]}"', 15)}


def let_fail(world: World, customer: Object, _: Fields) -> None:
    """Every charge is declined from now on: a card that could be attached takes the place of the ones in use."""
    if customer.get("_cards_before"):
        raise invalid("The card in use is declined already.")
    card = payment_methods.attach(world, FAILING, {"customer": customer["id"]})["id"]
    before = {"": customer["invoice_settings"]["default_payment_method"] or "", "card": card}
    customers.update(world, customer["id"], _default(card))
    for one in world.store.where("subscription", "customer", customer["id"]):
        if one["status"] not in OVER and one["default_payment_method"]:
            before[one["id"]] = one["default_payment_method"]
            subscriptions.update(world, one["id"], {"default_payment_method": card})
    world.store.edit(customer)["_cards_before"] = before


def let_pay(world: World, customer: Object, _: Fields) -> None:
    """The cards that were in use before, if they are still there."""
    before = dict(customer.get("_cards_before") or {})
    if not before:
        raise invalid("The card in use is not one that this page put there.")
    world.store.edit(customer)["_cards_before"] = None
    card = before.pop("card")
    customers.update(world, customer["id"], _default(_still(world, customer, before.pop(""))))
    for id, former in before.items():
        one = world.store.get(id)
        if one and one["status"] not in OVER and one["default_payment_method"] == card:
            subscriptions.update(world, id, {"default_payment_method": _still(world, customer, former)})
    if _still(world, customer, card):
        payment_methods.detach(world, card, {})


def _default(card: str) -> Object:
    return {"invoice_settings": {"default_payment_method": card}}


def _still(world: World, customer: Object, card: str) -> str:
    found = world.store.get(card)
    return card if found and found.get("customer") == customer["id"] else ""


def settle(world: World, _: Object, fields: Fields) -> None:
    control_disputes.decide(world, fields.get("dispute", ""), {"outcome": fields.get("outcome", "")})
