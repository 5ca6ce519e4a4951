"""Charges (https://docs.stripe.com/api/charges): made by payment intents, read and annotated here."""

from typing import Any

from stripe import params as sdk

from ..protocol.expansion import includable
from ..protocol.lists import PAGING, embedded, matching, page
from ..protocol.parameters import merged_metadata
from ..protocol.search import search as search_page
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
PATH = "/v1/charges"


def register(routes: Routes) -> None:
    routes.add("GET", PATH, list_, sdk.ChargeListParams, f"created customer payment_intent {PAGING}")
    routes.add("GET", PATH + "/search", search, sdk.ChargeSearchParams)
    routes.add("GET", PATH + "/{id}", retrieve, sdk.ChargeRetrieveParams)
    updates = "description fraud_details metadata receipt_email"
    routes.add("POST", PATH + "/{id}", update, sdk.ChargeUpdateParams, updates)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("charge", id)


def update(world: World, id: str, params: Object) -> Object:
    charge = world.find("charge", id)
    with world.changing(charge, "charge.updated"):
        if "metadata" in params:
            charge["metadata"] = merged_metadata(charge["metadata"], params["metadata"])
        if "fraud_details" in params:
            given = params["fraud_details"] or {}
            charge["fraud_details"] = {name: value for name, value in given.items() if value}
        for name in ("description", "receipt_email"):
            if name in params:
                charge[name] = params[name] or None
    return charge


def list_(world: World, params: Object) -> Object:
    store, customer, intent = world.store, params.get("customer"), params.get("payment_intent")
    if intent:
        found = store.where("charge", "payment_intent", intent)
    else:
        found = store.where("charge", "customer", customer) if customer else store.all("charge")
    return page(found, params, PATH, matching(params, "customer", "payment_intent"))


def search(world: World, params: Object) -> Object:
    fields = ("amount", "created", "currency", "customer", "disputed", "refunded", "status")
    return search_page(world.store.all("charge"), params, f"{PATH}/search", fields)


@includable("charge", "refunds")
def refunds(world: World, charge: Object) -> Object:
    return embedded(world.store.where("refund", "charge", charge["id"]), f"{PATH}/{charge['id']}/refunds")
