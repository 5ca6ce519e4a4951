"""Pausing a subscription and going on with it (https://docs.stripe.com/billing/subscriptions/pause)."""

from typing import Any

from stripe import params as sdk

from ..billing import (
    collection,
    first_invoice,
    invoicing,
    lifecycle,
    lines,
    pausing,
    payments,
    pending_update,
    periods,
    proration,
)
from ..protocol.errors import invalid
from ..routing import Routes
from ..world import World
from . import test_clocks

Object = dict[str, Any]
YEAR = 365 * 86400


def register(routes: Routes) -> None:
    path = "/v1/subscriptions/{id}"
    routes.add("POST", path + "/pause", pause, sdk.SubscriptionPauseParams)
    routes.add("POST", path + "/resume", resume, sdk.SubscriptionResumeParams)


def pause(world: World, id: str, params: Object) -> Object:
    """At once. What was paid for the rest of the period is given back, unless told otherwise."""
    subscription = _changeable(world, id)
    _refuse_to_pause(subscription)
    bill_for = params.get("bill_for", {})
    pausing.credit(world, subscription, bill_for.get("unused_time_from", {}).get("type", "now"))
    invoice = None
    if params.get("invoicing_behavior") == "invoice" and lines.pending_items(world, subscription):
        period = (periods.period(subscription)[0], world.now(subscription["_clock"]))
        invoice = invoicing.draft(world, subscription, "subscription_update", [], period)
        world.store.edit(subscription)["latest_invoice"] = invoice["id"]
    pausing.stop(world, subscription, "pause_requested")
    lifecycle.schedule(world, subscription)
    if invoice:
        first_invoice.issue(world, subscription, invoice, "allow_incomplete", True)
    return subscription


def _changeable(world: World, id: str) -> Object:
    subscription = world.find("subscription", id)
    test_clocks.refuse_while_advancing(world, subscription["_clock"])
    return subscription


def _refuse_to_pause(subscription: Object) -> None:
    """https://docs.stripe.com/billing/subscriptions/pause#limitations"""
    status = subscription["status"]
    if status in ("trialing", "paused", "incomplete", *lifecycle.OVER):
        raise invalid(f"You cannot pause a subscription with a status of `{status}`.")
    if subscription["collection_method"] != "charge_automatically":
        raise invalid("You cannot pause a subscription with `collection_method=send_invoice`.")
    if subscription["schedule"]:
        raise invalid("You cannot pause a subscription that is managed by a subscription schedule.")


def resume(world: World, id: str, params: Object) -> Object:
    """Active at once when there is nothing to pay; else when the invoice of the resumption is paid or written off."""
    subscription = _changeable(world, id)
    if subscription["status"] != "paused":
        raise invalid(f"You can only resume a subscription that is paused; this one is `{subscription['status']}`.")
    if subscription["collection_method"] != "charge_automatically":
        raise invalid("You can only resume a subscription with `collection_method=charge_automatically`.")
    pending_update.expire(world, subscription)
    waits = params.get("payment_behavior") == "resume_on_payment_success"
    with world.changing(subscription, pausing.UPDATED):
        before = pending_update.copied(subscription)
        invoice = _begin_again(world, subscription, params)
        if invoice:
            until = world.now(subscription["_clock"]) + (YEAR if waits else pending_update.WAITS)
            pending_update.hold_back(world, subscription, before, invoice, {}, until)
            subscription["_pending_update"]["fails_past_due"] = not waits
    lifecycle.schedule(world, subscription)
    if invoice:
        _collect(world, invoice, waits)
    else:
        world.emit("customer.subscription.resumed", subscription)
    return subscription


def _begin_again(world: World, subscription: Object, params: Object) -> Object | None:
    """A new cycle from now, or the old one where it would be by now; the draft of what is due at once."""
    now, old = world.now(subscription["_clock"]), periods.period(subscription)
    subscription["status"] = "active"
    subscription.pop("status_details", None)
    if params.get("billing_cycle_anchor", {}).get("type", "now") == "now":
        subscription["billing_cycle_anchor"] = now
        periods.set_period(subscription, now, periods.following(subscription, now))
        full = [lines.full_period(world, subscription, item) for item in subscription["items"]["data"]]
        return _draft(world, subscription, full, (old[0], now))
    periods.set_period(subscription, *_surrounding(subscription, now))
    behavior = params.get("proration_behavior", "create_prorations")
    if behavior != "none":
        at = int(params.get("proration_date", now))
        for item in subscription["items"]["data"]:
            proration.charge_remaining(world, subscription, item, at)
    if behavior == "always_invoice" and lines.pending_items(world, subscription):
        return _draft(world, subscription, [], (old[0], now))
    return None


def _surrounding(subscription: Object, now: int) -> tuple[int, int]:
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    cycle = (recurring["interval"], recurring["interval_count"], subscription["billing_cycle_anchor"])
    end = periods.next_boundary(now, *cycle)
    return periods.period_before(end, *cycle), end


def _draft(world: World, subscription: Object, full: list[Object], period: tuple[int, int]) -> Object:
    invoice = invoicing.draft(world, subscription, "subscription_update", full, period)
    subscription["latest_invoice"] = invoice["id"]
    return invoice


def _collect(world: World, invoice: Object, waits: bool) -> None:
    """Finalized at once. Only ``resume_on_payment_success`` tries to collect, now and again later."""
    invoice["auto_advance"] = waits
    world.emit("invoice.created", invoice)
    invoicing.finalize(world, invoice)
    if invoice["amount_due"] == 0:
        collection.settle_paid(world, invoice)
    elif waits:
        method = payments.method_for(world, invoice)
        if method is None:
            raise invalid(first_invoice.NO_METHOD, None, "resource_missing")
        world.store.edit(invoice)["_tries"] = 1
        collection.attempt(world, invoice, method, off_session=True, scheduled=True)
