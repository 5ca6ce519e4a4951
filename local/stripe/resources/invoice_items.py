"""Invoice items (https://docs.stripe.com/api/invoiceitems): prorations make them; they are read here."""

from typing import Any

from stripe import params as sdk

from ..protocol.errors import invalid
from ..protocol.lists import PAGING, matching, page
from ..routing import Routes
from ..world import World

Object = dict[str, Any]


def register(routes: Routes) -> None:
    routes.add(
        "GET", "/v1/invoiceitems", list_, sdk.InvoiceItemListParams, f"created customer invoice pending {PAGING}"
    )
    routes.add("GET", "/v1/invoiceitems/{id}", retrieve, sdk.InvoiceItemRetrieveParams)
    routes.add("DELETE", "/v1/invoiceitems/{id}", delete, None)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("invoiceitem", id)


def delete(world: World, id: str, params: Object) -> Object:
    item = world.find("invoiceitem", id)
    if item["invoice"]:
        raise invalid("Invoice items on an invoice can't be deleted through the local Stripe.", "id")
    world.emit("invoiceitem.deleted", item)
    world.store.delete(item)
    return {"id": id, "object": "invoiceitem", "deleted": True}


def list_(world: World, params: Object) -> Object:
    same, pending = matching(params, "customer", "invoice"), params.get("pending")

    def keep(one: Object) -> bool:
        return same(one) and (pending is None or (one["invoice"] is None) is pending)

    return page(world.store.all("invoiceitem"), params, "/v1/invoiceitems", keep)
