"""Refunds (https://docs.stripe.com/api/refunds)."""

from typing import Any

from stripe import params as sdk

from ..protocol.errors import invalid
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World

Object = dict[str, Any]


def register(routes: Routes) -> None:
    routes.add("POST", "/v1/refunds", create, sdk.RefundCreateParams, "amount charge payment_intent reason metadata")
    routes.add("GET", "/v1/refunds", list_, sdk.RefundListParams, f"charge created payment_intent {PAGING}")
    routes.add("GET", "/v1/refunds/{id}", retrieve, sdk.RefundRetrieveParams)
    routes.add("POST", "/v1/refunds/{id}", update, sdk.RefundUpdateParams)


def create(world: World, params: Object) -> Object:
    """All of a charge, or a part; the invoice stays paid."""
    charge = _charge(world, params)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", None, "charge_already_refunded")
    amount = params.get("amount", left)
    if not 0 < amount <= left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise invalid(message, "amount")
    refund: Object = {
        "id": world.new_id("re"),
        "object": "refund",
        "_clock": charge["_clock"],
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": world.now(None),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    world.store.put(refund)
    with world.changing(charge, "charge.refunded"):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.emit("refund.created", refund)
    return refund


def _charge(world: World, params: Object) -> Object:
    if "charge" in params:
        charge = world.find("charge", params["charge"], "charge")
    elif "payment_intent" in params:
        intent = world.find("payment_intent", params["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
        charge = world.store.objects[intent["latest_charge"]]
    else:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    if not charge["paid"]:
        raise invalid(f"Charge {charge['id']} was not paid and cannot be refunded.", "charge")
    return charge


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("refund", id)


def update(world: World, id: str, params: Object) -> Object:
    refund = world.find("refund", id)
    with world.changing(refund, "refund.updated"):
        refund["metadata"] = merged_metadata(refund["metadata"], params.get("metadata", {}))
    return refund


def list_(world: World, params: Object) -> Object:
    return page(world.store.all("refund"), params, "/v1/refunds", matching(params, "charge", "payment_intent"))
