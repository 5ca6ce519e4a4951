"""Charges (https://docs.stripe.com/api/charges): made by payment intents, read here."""

from typing import Any

from stripe import params as sdk

from ..protocol.expansion import includable
from ..protocol.lists import PAGING, embedded, matching, page
from ..routing import Routes
from ..world import World

Object = dict[str, Any]


def register(routes: Routes) -> None:
    routes.add("GET", "/v1/charges", list_, sdk.ChargeListParams, f"created customer payment_intent {PAGING}")
    routes.add("GET", "/v1/charges/{id}", retrieve, sdk.ChargeRetrieveParams)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("charge", id)


def list_(world: World, params: Object) -> Object:
    return page(world.store.all("charge"), params, "/v1/charges", matching(params, "customer", "payment_intent"))


@includable("charge", "refunds")
def refunds(world: World, charge: Object) -> Object:
    return embedded(world.store.where("refund", "charge", charge["id"]), f"/v1/charges/{charge['id']}/refunds")
