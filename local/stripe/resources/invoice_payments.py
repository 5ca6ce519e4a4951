"""Invoice payments (https://docs.stripe.com/api/invoice-payment)."""

from typing import Any

from stripe import params as sdk

from ..protocol.lists import PAGING, matching, page
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
FILTERS = f"created invoice payment.payment_intent payment.type status {PAGING}"


def register(routes: Routes) -> None:
    routes.add("GET", "/v1/invoice_payments", list_, sdk.InvoicePaymentListParams, FILTERS)
    routes.add("GET", "/v1/invoice_payments/{id}", retrieve, sdk.InvoicePaymentRetrieveParams)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("invoice_payment", id)


def list_(world: World, params: Object) -> Object:
    same, wanted = matching(params, "invoice", "status"), params.get("payment", {})

    def keep(one: Object) -> bool:
        return same(one) and all(one["payment"].get(name) == value for name, value in wanted.items())

    store, invoice = world.store, params.get("invoice")
    found = store.where("invoice_payment", "invoice", invoice) if invoice else store.all("invoice_payment")
    return page(found, params, "/v1/invoice_payments", keep)
