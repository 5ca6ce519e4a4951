"""The next invoice (https://docs.stripe.com/api/invoices/create_preview): made for real and taken back."""

from typing import Any

import orjson
from stripe import params as sdk

from ..billing import invoicing, lifecycle, lines, periods, phases, plan_change, proration, taxing
from ..protocol.errors import StripeError, invalid, not_emulated
from ..routing import Routes
from ..world import World, visible
from . import subscription_create, subscription_discounts, subscription_extras

Object = dict[str, Any]
DETAILS = """billing_cycle_anchor cancel_at_period_end cancel_now items.id items.price items.price_data items.quantity
    items.deleted items.metadata metadata proration_behavior proration_date trial_end"""
EMULATED = (
    f"automatic_tax.enabled customer discounts {subscription_extras.IN_PREVIEW} subscription preview_mode "
    + " ".join(f"subscription_details.{name}" for name in DETAILS.split())
)


def register(routes: Routes) -> None:
    routes.add("POST", "/v1/invoices/create_preview", create_preview, sdk.InvoiceCreatePreviewParams, EMULATED)


def create_preview(world: World, params: Object) -> Object:
    details = dict(params.get("subscription_details", {}))
    if params.get("preview_mode", "next") != "next":
        raise not_emulated("preview_mode=recurring", "preview_mode")
    with world.rehearsal():
        if "subscription" in params:
            invoice = _of_subscription(world, params, details)
        else:
            invoice = _of_new(world, params, details)
        shown: Object = orjson.loads(orjson.dumps(visible(invoice)))
    return _as_upcoming(world, shown)


def announce(world: World, subscription: Object) -> None:
    """Some days before it renews; nothing is said of a subscription that has no next invoice."""
    world.store.edit(subscription)["_upcoming"] = periods.period(subscription)[1]
    try:
        invoice = create_preview(world, {"subscription": subscription["id"]})
    except StripeError:
        return
    world.emit("invoice.upcoming", {**invoice, "_clock": subscription["_clock"]})


def _as_upcoming(world: World, shown: Object) -> Object:
    id = world.new_id("upcoming_in")
    old = shown["id"]
    shown |= {"id": id, "billing_reason": "upcoming", "status": "draft", "number": None, "auto_advance": True}
    shown |= {"automatically_finalizes_at": None, "hosted_invoice_url": None, "invoice_pdf": None}
    shown["lines"]["url"] = shown["lines"]["url"].replace(old, id)
    for line in shown["lines"]["data"]:
        line["invoice"] = id
    if shown["automatic_tax"]["disabled_reason"]:
        shown["automatic_tax"] = {**taxing.ON, "provider": "stripe", "status": "requires_location_inputs"}
    shown["next_payment_attempt"] = max(shown["created"], shown["period_end"]) + 3600
    return shown


def _of_subscription(world: World, params: Object, details: Object) -> Object:
    subscription = world.find("subscription", params["subscription"], "subscription")
    if params.get("customer", subscription["customer"]) != subscription["customer"]:
        raise invalid("The subscription does not belong to this customer.", "subscription")
    if subscription["status"] in lifecycle.OVER:
        raise _none(subscription)
    world.store.edit(subscription)
    if "automatic_tax" in params:
        subscription["automatic_tax"] = dict(taxing.ON if params["automatic_tax"]["enabled"] else taxing.OFF)
    subscription_discounts.change(world, subscription, {"discounts": params.get("discounts", [])})
    subscription_extras.add(world, subscription, params.get("invoice_items", []))
    if details.get("cancel_now"):
        return _cancel_now(world, subscription, details)
    if details.get("billing_cycle_anchor", {"type": "unchanged"})["type"] not in ("now", "unchanged"):
        message = "For existing subscriptions, the value can only be set to `now` or `unchanged`."
        raise invalid(message, "subscription_details[billing_cycle_anchor]")
    plan_change.refuse_unless_changeable(subscription, details)
    invoice = plan_change.apply(world, subscription, details)
    if invoice:
        return invoice
    ends = bool(details.get("cancel_at_period_end", subscription["cancel_at_period_end"]))
    if (ends and not lines.pending_items(world, subscription)) or subscription["status"] == "paused":
        raise _none(subscription)
    return _renewal(world, subscription, ends)


def _renewal(world: World, subscription: Object, ends: bool) -> Object:
    before = periods.period(subscription)
    full: list[Object] = []
    if not ends:
        phases.look_ahead(world, subscription)
        periods.set_period(subscription, before[1], periods.following(subscription, before[1]))
        full = [lines.full_period(world, subscription, item) for item in subscription["items"]["data"]]
    invoice = invoicing.draft(world, subscription, "subscription_cycle", full, before)
    invoice["created"] = before[1]
    return invoice


def _cancel_now(world: World, subscription: Object, details: Object) -> Object:
    now = world.now(subscription["_clock"])
    if details.get("proration_behavior", "create_prorations") != "none" and subscription["status"] != "trialing":
        for item in subscription["items"]["data"]:
            proration.credit_unused(world, subscription, item, int(details.get("proration_date", now)))
    if not lines.pending_items(world, subscription):
        raise _none(subscription)
    period = (periods.period(subscription)[0], now)
    return invoicing.draft(world, subscription, "subscription_update", [], period)


def _of_new(world: World, params: Object, details: Object) -> Object:
    if "customer" not in params:
        message = "You must pass either `customer` or `subscription` to preview an invoice."
        raise invalid(message, "customer", "parameter_missing")
    names = ("items", "trial_end", "metadata", "proration_behavior", "cancel_at_period_end", "billing_cycle_anchor")
    given = {name: details[name] for name in names if name in details}
    given |= {"customer": params["customer"], "payment_behavior": "default_incomplete", "_preview": True}
    given |= {"automatic_tax": params["automatic_tax"]} if "automatic_tax" in params else {}
    given["discounts"] = params.get("discounts", [])
    given["add_invoice_items"] = params.get("invoice_items", [])
    subscription = subscription_create.create(world, given)
    return world.store.objects[subscription["latest_invoice"]]


def _none(subscription: Object) -> StripeError:
    message = f"No upcoming invoices for customer: {subscription['customer']}"
    return StripeError(404, message, code="invoice_upcoming_none")
