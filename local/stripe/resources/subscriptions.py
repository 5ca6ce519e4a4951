"""Subscriptions: reading, listing, updating and canceling (https://docs.stripe.com/api/subscriptions)."""

from typing import Any

from stripe import params as sdk

from ..billing import first_invoice, lifecycle, pause_collection, pending_update, plan_change, taxing
from ..protocol.lists import PAGING, in_range, matching, page
from ..protocol.parameters import merged_metadata
from ..protocol.search import search as search_page
from ..routing import Routes
from ..world import World, difference, visible
from . import (
    payment_methods,
    subscription_cancel,
    subscription_create,
    subscription_discounts,
    subscription_extras,
    subscription_items,
    subscription_object,
    subscription_pause,
    test_clocks,
)

Object = dict[str, Any]
UPDATE = f"""automatic_tax.enabled billing_cycle_anchor cancel_at cancel_at_period_end cancellation_details
    default_payment_method description
    {subscription_discounts.EMULATED} {subscription_items.EMULATED}
    {subscription_extras.EMULATED} items.id items.deleted metadata off_session pause_collection payment_behavior
    proration_behavior proration_date trial_end trial_from_plan trial_settings {subscription_object.PAYMENT_SETTINGS}
    collection_method days_until_due"""
LIST = f"""collection_method created current_period_end current_period_start customer plan price status test_clock
    {PAGING}"""


def register(routes: Routes) -> None:
    path = "/v1/subscriptions"
    create = subscription_create
    routes.add("POST", path, create.create, sdk.SubscriptionCreateParams, create.EMULATED)
    routes.add("GET", path, list_, sdk.SubscriptionListParams, LIST)
    routes.add("GET", path + "/search", search, sdk.SubscriptionSearchParams)
    routes.add("GET", path + "/{id}", retrieve, sdk.SubscriptionRetrieveParams)
    routes.add("POST", path + "/{id}", update, sdk.SubscriptionUpdateParams, UPDATE)
    subscription_pause.register(routes)
    cancels = "cancellation_details.comment cancellation_details.feedback invoice_now prorate"
    routes.add("DELETE", path + "/{id}", subscription_cancel.cancel, sdk.SubscriptionCancelParams, cancels)


def retrieve(world: World, id: str, params: Object) -> Object:
    return world.find("subscription", id)


def update(world: World, id: str, params: Object) -> Object:
    subscription = world.find("subscription", id)
    test_clocks.refuse_while_advancing(world, subscription["_clock"])
    plan_change.refuse_unless_changeable(subscription, params)
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        pending_update.refuse_unsupported(subscription, params)
    if plan_change.ends_trial_without_card(world, subscription, params):
        return subscription
    if _moves_money(params):
        pending_update.expire(world, subscription)
    mark = world.mark()
    with world.changing(subscription, None):
        before = pending_update.copied(subscription)
        invoice = _change(world, subscription, params)
        if invoice and behavior == "pending_if_incomplete":
            pending_update.hold_back(world, subscription, before, invoice, params)
        if subscription["status"] not in lifecycle.OVER:
            lifecycle.schedule(world, subscription)
        if invoice:
            subscription["_being_created"] = True
            first_invoice.issue(world, subscription, invoice, behavior, params.get("off_session", False))
            del subscription["_being_created"]
        _announce(world, subscription, before, mark if invoice else None)
    if subscription["status"] == "trialing":
        first_invoice.warn_of_short_trial(world, subscription)
    return subscription


def _change(world: World, subscription: Object, params: Object) -> Object | None:
    """All that the parameters ask for; the draft invoice that is due at once, if any."""
    subscription_discounts.change(world, subscription, params)
    subscription_extras.add(world, subscription, params.get("add_invoice_items", []))
    subscription_cancel.plan(world, subscription, params)
    if "automatic_tax" in params:
        customer, method = world.store.objects[subscription["customer"]], lifecycle.default_method(world, subscription)
        subscription["automatic_tax"] = taxing.asked_for(world, customer, method, params)
    invoice = plan_change.apply(world, subscription, params) if _moves_money(params) else None
    _plain(world, subscription, params)
    return invoice


def _announce(world: World, subscription: Object, before: Object, at: int | None) -> None:
    previous = difference(visible(before), visible(subscription))
    if previous:
        world.emit("customer.subscription.updated", subscription, previous, at)


def _moves_money(params: Object) -> bool:
    return bool(params.keys() & {"items", "trial_end", "trial_from_plan", "billing_cycle_anchor"}) or (
        params.get("proration_behavior") == "always_invoice"
    )


def _plain(world: World, subscription: Object, params: Object) -> None:
    if "metadata" in params:
        subscription["metadata"] = merged_metadata(subscription["metadata"], params["metadata"])
    if "description" in params:
        subscription["description"] = params["description"] or None
    if "default_payment_method" in params:
        chosen = params["default_payment_method"] or None
        if chosen:
            payment_methods.owned(world, chosen, subscription["customer"], "default_payment_method")
        subscription["default_payment_method"] = chosen
    if "pause_collection" in params:
        pause_collection.plan(world, subscription, params)
    if "trial_settings" in params:
        subscription["trial_settings"] = subscription_object.trial_settings(params)
    if "payment_settings" in params:
        changed = subscription_object.payment_settings(params)
        subscription["payment_settings"] = {**subscription["payment_settings"], **changed}
    if params.keys() & {"collection_method", "days_until_due"}:
        subscription.update(subscription_object.collection(params, subscription))


def list_(world: World, params: Object) -> Object:
    """Canceled ones only with ``status``; those on a test clock only with ``customer`` or ``test_clock``."""
    status, price = params.get("status"), params.get("price") or params.get("plan")
    clock, customer = params.get("test_clock"), params.get("customer")
    same = matching(params, "customer", "collection_method")
    ended = lifecycle.OVER

    def keep(one: Object) -> bool:
        if status is None and one["status"] == "canceled":
            return False
        if status == "ended" and one["status"] not in ended:
            return False
        if status not in (None, "all", "ended") and one["status"] != status:
            return False
        if one["_clock"] != clock and not (customer and clock is None):
            return False
        items = one["items"]["data"]
        if price and all(item["price"]["id"] != price for item in items):
            return False
        for name in ("current_period_start", "current_period_end"):
            if name in params and not any(in_range(item[name], params[name]) for item in items):
                return False
        return same(one)

    store = world.store
    found = store.where("subscription", "customer", customer) if customer else store.all("subscription")
    return page(found, params, "/v1/subscriptions", keep)


def search(world: World, params: Object) -> Object:
    return search_page(world.store.all("subscription"), params, "/v1/subscriptions/search", ("created", "status"))
