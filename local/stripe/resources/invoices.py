"""Invoices (https://docs.stripe.com/api/invoices)."""

from typing import Any

from stripe import params as sdk

from ..billing import closing, collection, invoicing, manual_invoice, payments
from ..protocol.errors import StripeError, invalid
from ..protocol.expansion import includable
from ..protocol.lists import PAGING, embedded, matching, page
from ..protocol.search import search as search_page
from ..routing import Routes
from ..world import World
from . import invoice_drafts, payment_methods, test_clocks

Object = dict[str, Any]
OF_DRAFTS = {"collection_method", "days_until_due", "discounts", "due_date", "number"}


def register(routes: Routes) -> None:
    path = "/v1/invoices"
    filters = f"collection_method created customer status subscription {PAGING}"
    routes.add("GET", path, list_, sdk.InvoiceListParams, filters)
    routes.add("GET", path + "/search", search, sdk.InvoiceSearchParams)
    routes.add("GET", path + "/{id}", retrieve, sdk.InvoiceRetrieveParams)
    updates = f"auto_advance {invoice_drafts.TERMS}"
    routes.add("POST", path + "/{id}", update, sdk.InvoiceUpdateParams, updates)
    routes.add("GET", path + "/{id}/lines", list_lines, sdk.InvoiceListLinesParams)
    routes.add("POST", path + "/{id}/finalize", finalize, sdk.InvoiceFinalizeInvoiceParams)
    pays = "payment_method off_session paid_out_of_band"
    routes.add("POST", path + "/{id}/pay", pay, sdk.InvoicePayParams, pays)
    routes.add("POST", path + "/{id}/void", void, sdk.InvoiceVoidInvoiceParams)
    routes.add("POST", path + "/{id}/mark_uncollectible", mark_uncollectible, sdk.InvoiceMarkUncollectibleParams)


def changeable(world: World, id: str) -> Object:
    invoice = world.find("invoice", id)
    test_clocks.refuse_while_advancing(world, invoice["_clock"])
    return invoice


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("invoice", id)


def update(world: World, id: str, params: Object) -> Object:
    invoice = changeable(world, id)
    if invoice["status"] != "draft" and params.keys() & OF_DRAFTS:
        manual_invoice.refuse_unless_draft(invoice)
    with world.changing(invoice, "invoice.updated"):
        invoice_drafts.change(world, invoice, params)
        if "auto_advance" in params:
            _advance(world, invoice, params["auto_advance"])
    return invoice


def _advance(world: World, invoice: Object, wanted: bool) -> None:
    invoice["auto_advance"] = wanted
    soon = world.now(invoice["_clock"]) + world.settings.finalize_after_seconds
    if invoice["status"] == "draft":
        invoice["automatically_finalizes_at"] = soon if wanted else None
        if wanted:
            world.deadlines.set("finalize", invoice, soon)
        else:
            world.deadlines.clear("finalize", invoice)
    elif invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        invoice["next_payment_attempt"] = soon if wanted else None
        if wanted:
            world.deadlines.set("collect", invoice, soon)
        else:
            world.deadlines.clear("collect", invoice)


def finalize(world: World, id: str, params: Object) -> Object:
    """Finalized by request, an invoice that advances by itself is charged within the hour."""
    invoice = changeable(world, id)
    if "auto_advance" in params and invoice["status"] == "draft":
        world.store.edit(invoice)["auto_advance"] = params["auto_advance"]
    invoicing.finalize(world, invoice)
    if invoice["amount_due"] == 0:
        collection.settle_paid(world, invoice)
    elif invoice["auto_advance"]:
        _advance(world, invoice, True)
    return invoice


def pay(world: World, id: str, params: Object) -> Object:
    invoice = changeable(world, id)
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid", None, "invoice_already_paid")
    if invoice["status"] == "void":
        raise invalid("This invoice can no longer be paid because it is void.", None, "invoice_not_editable")
    if invoice["status"] == "draft":
        invoicing.finalize(world, invoice)
    if invoice["amount_due"] == 0 or params.get("paid_out_of_band"):
        collection.settle_paid(world, invoice, out_of_band=bool(params.get("paid_out_of_band")))
        return invoice
    method = _method(world, invoice, params)
    outcome = collection.attempt(
        world, invoice, method, off_session=params.get("off_session", True), scheduled=invoice["_tries"] == 0
    )
    if outcome != payments.SUCCEEDED:
        raise _refusal(world, invoice, outcome)
    return invoice


def _method(world: World, invoice: Object, params: Object) -> Object:
    if "payment_method" in params:
        return payment_methods.owned(world, params["payment_method"], invoice["customer"], "payment_method")
    method = payments.method_for(world, invoice)
    if method is None:
        message = "There is no `default_payment_method` set on this Customer or Invoice. Please set a payment method "
        raise invalid(message + "or pass one with the `payment_method` parameter.", "payment_method")
    return method


def _refusal(world: World, invoice: Object, outcome: str) -> StripeError:
    intent = payments.intent_of(world, invoice)
    assert intent is not None
    refusal = collection.refusal(world, intent, outcome, keeps_effects=True)
    if outcome == payments.REQUIRES_ACTION:
        refusal.error["code"] = "invoice_payment_intent_requires_action"
        refusal.error["doc_url"] = "https://docs.stripe.com/error-codes#invoice-payment-intent-requires-action"
        refusal.error["message"] = (
            "This payment requires additional user action before it can be completed successfully. Payment can be "
            "completed using the PaymentIntent associated with the invoice."
        )
    return refusal


def void(world: World, id: str, params: Object) -> Object:
    invoice = changeable(world, id)
    invoicing.void(world, invoice)
    closing.after_void(world, invoice)
    return invoice


def mark_uncollectible(world: World, id: str, params: Object) -> Object:
    """Marking the latest invoice uncollectible brings a past_due subscription back to active."""
    invoice = changeable(world, id)
    invoicing.mark_uncollectible(world, invoice)
    closing.after_write_off(world, invoice)
    return invoice


def list_(world: World, params: Object) -> Object:
    subscription, customer = params.get("subscription"), params.get("customer")
    same = matching(params, "customer", "status", "collection_method")
    store = world.store
    if subscription:
        found = store.where("invoice", "_subscription", subscription)
    else:
        found = store.where("invoice", "customer", customer) if customer else store.all("invoice")
    return page(found, params, "/v1/invoices", same)


def search(world: World, params: Object) -> Object:
    fields = ("created", "currency", "customer", "number", "status", "subscription", "total")
    return search_page(world.store.all("invoice"), params, "/v1/invoices/search", fields)


def list_lines(world: World, id: str, params: Object) -> Object:
    return page(world.find("invoice", id)["lines"]["data"], params, f"/v1/invoices/{id}/lines")


@includable("invoice", "payments")
def payments_of(world: World, invoice: Object) -> Object:
    found = world.store.where("invoice_payment", "invoice", invoice["id"])
    return embedded(found, f"/v1/invoice_payments?invoice={invoice['id']}")


@includable("invoice", "confirmation_secret")
def confirmation_secret(world: World, invoice: Object) -> Object | None:
    intent = payments.intent_of(world, invoice)
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None
