"""Refunds (https://docs.stripe.com/api/refunds)."""

from typing import Any

from stripe import params as sdk

from ..billing import refunding
from ..protocol.errors import invalid
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World, difference

Object = dict[str, Any]


def register(routes: Routes) -> None:
    path = "/v1/refunds"
    routes.add("POST", path, create, sdk.RefundCreateParams, "amount charge payment_intent reason metadata")
    routes.add("GET", path, list_, sdk.RefundListParams, f"charge created payment_intent {PAGING}")
    routes.add("GET", path + "/{id}", retrieve, sdk.RefundRetrieveParams)
    routes.add("POST", path + "/{id}", update, sdk.RefundUpdateParams)
    routes.add("POST", path + "/{id}/cancel", cancel, sdk.RefundCancelParams)
    of_charge = "/v1/charges/{id}/refunds"
    routes.add("GET", of_charge, list_of_charge, sdk.ChargeListRefundsParams, PAGING)
    routes.add("GET", of_charge + "/{refund}", retrieve_of_charge, sdk.ChargeRetrieveRefundParams)


def create(world: World, params: Object) -> Object:
    charge = _charge(world, params)
    metadata = merged_metadata({}, params.get("metadata", {}))
    return refunding.refund(world, charge, params.get("amount"), params.get("reason"), metadata)


def _charge(world: World, params: Object) -> Object:
    if "charge" in params:
        charge = world.find("charge", params["charge"])
        if "payment_intent" in params and charge["payment_intent"] != params["payment_intent"]:
            raise invalid("The charge does not belong to this PaymentIntent.", "charge")
    elif "payment_intent" in params:
        intent = world.find("payment_intent", params["payment_intent"], "payment_intent")
        charge = world.store.get(intent["latest_charge"] or "") or {"paid": False, "payment_intent": intent["id"]}
    else:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    if not charge["paid"]:
        intent_id = charge["payment_intent"]
        raise invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
    return charge


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("refund", id)


def update(world: World, id: str, params: Object) -> Object:
    refund = world.find("refund", id)
    before = refund["metadata"]
    with world.changing(refund, None):
        refund["metadata"] = merged_metadata(before, params.get("metadata", {}))
    if refund["metadata"] != before:
        refunding.tell(world, refund, {"metadata": difference(before, refund["metadata"])})
    return refund


def cancel(world: World, id: str, params: Object) -> Object:
    refund = world.find("refund", id)
    refunding.cancel(world, refund)
    return refund


def list_(world: World, params: Object) -> Object:
    charge = params.get("charge")
    found = world.store.where("refund", "charge", charge) if charge else world.store.all("refund")
    return page(found, params, "/v1/refunds", matching(params, "charge", "payment_intent"))


def list_of_charge(world: World, id: str, params: Object) -> Object:
    world.find("charge", id, "charge")
    return page(world.store.where("refund", "charge", id), params, f"/v1/charges/{id}/refunds")


def retrieve_of_charge(world: World, id: str, refund: str, params: Object) -> Object:
    found = world.find("refund", refund, "refund")
    if found["charge"] != id:
        raise invalid(f"No such refund: '{refund}'", "refund", "resource_missing", 404)
    return found
