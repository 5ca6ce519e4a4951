"""Credit notes (https://docs.stripe.com/api/credit_notes)."""

from typing import Any

import orjson
from stripe import params as sdk

from ..billing import credit_note
from ..protocol.lists import PAGING, matching, page
from ..protocol.parameters import merged_metadata
from ..routing import Routes
from ..world import World, visible
from . import test_clocks

Object = dict[str, Any]
PATH = "/v1/credit_notes"
CREATE = """amount credit_amount effective_at email_type invoice lines.amount lines.description lines.invoice_line_item
    lines.metadata lines.quantity lines.type lines.unit_amount lines.unit_amount_decimal memo metadata
    out_of_band_amount reason refund_amount"""


def register(routes: Routes) -> None:
    routes.add("POST", PATH, create, sdk.CreditNoteCreateParams, CREATE)
    routes.add("GET", PATH, list_, sdk.CreditNoteListParams, f"created customer invoice {PAGING}")
    routes.add("GET", PATH + "/preview", preview, sdk.CreditNotePreviewParams, CREATE)
    previews = f"{CREATE} {PAGING}"
    routes.add("GET", PATH + "/preview/lines", preview_lines, sdk.CreditNotePreviewLinesListParams, previews)
    routes.add("GET", PATH + "/{id}", retrieve, sdk.CreditNoteRetrieveParams)
    routes.add("POST", PATH + "/{id}", update, sdk.CreditNoteUpdateParams)
    routes.add("GET", PATH + "/{id}/lines", list_lines, sdk.CreditNoteLineItemListParams)
    routes.add("POST", PATH + "/{id}/void", void, sdk.CreditNoteVoidCreditNoteParams)


def create(world: World, params: Object) -> Object:
    invoice = world.find("invoice", params["invoice"], "invoice")
    test_clocks.refuse_while_advancing(world, invoice["_clock"])
    return credit_note.issue(world, invoice, params)


def preview(world: World, params: Object) -> Object:
    """Made for real and taken back."""
    with world.rehearsal():
        shown: Object = orjson.loads(orjson.dumps(visible(create(world, params))))
    return shown


def preview_lines(world: World, params: Object) -> Object:
    paging = {name: params.pop(name) for name in PAGING.split() if name in params}
    return page(preview(world, params)["lines"]["data"], paging, f"{PATH}/preview/lines")


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("credit_note", id)


def update(world: World, id: str, params: Object) -> Object:
    note = world.find("credit_note", id)
    with world.changing(note, "credit_note.updated"):
        if "memo" in params:
            note["memo"] = params["memo"] or None
        if "metadata" in params:
            note["metadata"] = merged_metadata(note["metadata"], params["metadata"])
    return note


def void(world: World, id: str, params: Object) -> Object:
    note = world.find("credit_note", id)
    test_clocks.refuse_while_advancing(world, note["_clock"])
    credit_note.void(world, note)
    return note


def list_(world: World, params: Object) -> Object:
    store, invoice, customer = world.store, params.get("invoice"), params.get("customer")
    found = store.where("credit_note", "customer", customer) if customer else store.all("credit_note")
    if invoice and not customer:
        found = store.where("credit_note", "invoice", invoice)
    return page(found, params, PATH, matching(params, "customer", "invoice"))


def list_lines(world: World, id: str, params: Object) -> Object:
    return page(world.find("credit_note", id)["lines"]["data"], params, f"{PATH}/{id}/lines")
