"""A subscription's life (https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses)."""

from collections.abc import Callable
from typing import Any

from ..world import World
from . import cycle_invoice, invoicing, pause_collection, pausing, payments, pending_update, schedule_end, upcoming
from .periods import following, period, set_period

Object = dict[str, Any]
Change = Callable[[], None]
DAY, HOUR = 86400, 3600
TRIAL_WARNING = 3 * DAY
INCOMPLETE_FOR = 23 * HOUR
UPDATED = "customer.subscription.updated"
OVER = ("canceled", "incomplete_expired")
DEADLINES = (
    "trial_will_end",
    "announce_invoice",
    "expire_update",
    "resume_collection",
    "cancel",
    "period_end",
    "expire_incomplete",
)


def schedule(world: World, subscription: Object) -> None:
    """Set every deadline anew from the subscription as it is now."""
    for kind in DEADLINES:
        world.deadlines.clear(kind, subscription)
    status = subscription["status"]
    if status in OVER:
        return
    if subscription["cancel_at"] and (not subscription["cancel_at_period_end"] or status == "paused"):
        world.deadlines.set("cancel", subscription, subscription["cancel_at"])
    if subscription["pending_update"]:
        world.deadlines.set("expire_update", subscription, subscription["pending_update"]["expires_at"])
    if subscription["pause_collection"] and subscription["pause_collection"]["resumes_at"]:
        world.deadlines.set("resume_collection", subscription, subscription["pause_collection"]["resumes_at"])
    if status == "incomplete":
        world.deadlines.set("expire_incomplete", subscription, subscription["created"] + INCOMPLETE_FOR)
        return
    if status == "paused":
        return
    world.deadlines.set("period_end", subscription, period(subscription)[1])
    upcoming.plan(world, subscription)
    if status == "trialing" and subscription.get("_announced") != subscription["trial_end"]:
        world.deadlines.set("trial_will_end", subscription, subscription["trial_end"] - TRIAL_WARNING)


def unchanged() -> None:
    """A period that ends without a new phase."""


def announce_trial_end(world: World, subscription: Object) -> None:
    if subscription["status"] == "trialing":
        world.store.edit(subscription)["_announced"] = subscription["trial_end"]
        world.emit("customer.subscription.trial_will_end", subscription)


def cancel_as_scheduled(world: World, subscription: Object) -> None:
    """Its day has come; what is still pending is billed (https://docs.stripe.com/api/subscriptions/cancel)."""
    final = cycle_invoice.for_what_is_pending(world, subscription, period(subscription))
    cancel(world, subscription, reason="cancellation_requested", still_collects=final)


def end_period(world: World, subscription: Object, entering: Change = unchanged) -> None:
    """Renew, or end what ends. ``entering`` is what a schedule's next phase changes at this very moment."""
    if subscription["cancel_at_period_end"]:
        cancel_as_scheduled(world, subscription)
    elif subscription["status"] == "trialing":
        end_trial(world, subscription, entering)
    else:
        renew(world, subscription, entering)


def renew(world: World, subscription: Object, entering: Change = unchanged) -> None:
    """A new period, and a draft for it that is finalized about an hour later."""
    before = period(subscription)
    with world.changing(subscription, UPDATED):
        if subscription["status"] == "trialing":
            subscription["status"] = "active"
        entering()
        set_period(subscription, before[1], following(subscription, before[1]))
        invoice = cycle_invoice.for_new_period(world, subscription, before)
        subscription["latest_invoice"] = invoice["id"]
    world.emit("invoice.created", invoice)
    if subscription["pause_collection"]:
        pause_collection.settle(world, subscription, invoice)
    schedule(world, subscription)


def end_trial(world: World, subscription: Object, entering: Change = unchanged) -> None:
    """Active with a draft of the first real invoice, or what the trial settings say without a card."""
    method = default_method(world, subscription)
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if method is None and behavior == "cancel":
        cancel(world, subscription, reason=None)
    elif method is None and behavior == "pause":
        pausing.stop(world, subscription, "trial_end_without_payment_method")
        schedule(world, subscription)
    else:
        renew(world, subscription, entering)


def default_method(world: World, subscription: Object) -> Object | None:
    customer = world.store.objects[subscription["customer"]]
    chosen = subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    chosen = chosen or customer["default_source"]
    return world.store.get(chosen) if chosen else None


def payment_received(world: World, subscription: Object, invoice: Object) -> None:
    """The first payment activates; a later one recovers when it is for the latest finalized invoice."""
    status = subscription["status"]
    if status == "incomplete" or (status in ("past_due", "unpaid") and is_latest(world, subscription, invoice)):
        with world.changing(subscription, None if subscription.get("_being_created") else UPDATED):
            subscription["status"] = "active"
            _remember_method(world, subscription, invoice)
        schedule(world, subscription)


def is_latest(world: World, subscription: Object, invoice: Object) -> bool:
    """https://docs.stripe.com/billing/subscriptions/overview: the most recent finalized, non-voided one decides."""
    for one in world.store.where("invoice", "_subscription", subscription["id"]):
        if one["status"] not in ("draft", "void"):
            return bool(one["id"] == invoice["id"])
    return True


def _remember_method(world: World, subscription: Object, invoice: Object) -> None:
    """``payment_settings[save_default_payment_method]=on_subscription``"""
    if subscription["payment_settings"]["save_default_payment_method"] != "on_subscription":
        return
    intent = payments.intent_of(world, invoice)
    if intent and intent["payment_method"]:
        subscription["default_payment_method"] = intent["payment_method"]


def payment_failed(world: World, subscription: Object, last: bool) -> None:
    """Behind while there are tries left; then what the account's settings say."""
    if subscription["status"] in OVER or subscription["status"] == "paused":
        return
    outcome = world.settings.after_last_retry
    if last and outcome == "pause" and not subscription["schedule"]:
        # https://docs.stripe.com/billing/revenue-recovery/smart-retries/pause-on-payment-failure
        pausing.stop(world, subscription, "final_payment_failure")
        schedule(world, subscription)
        return
    if last and outcome in ("cancel", "pause"):
        cancel(world, subscription, reason="payment_failed")
        return
    status = "unpaid" if last and outcome == "unpaid" else "past_due"
    if subscription["status"] != status and subscription["status"] != "unpaid":
        with world.changing(subscription, None if subscription.get("_being_created") else UPDATED):
            subscription["status"] = status
        schedule(world, subscription)


def expire_incomplete(world: World, subscription: Object) -> None:
    """23 hours without the first payment."""
    if subscription["status"] == "incomplete":
        give_up_incomplete(world, subscription, canceled_at=None)


def give_up_incomplete(world: World, subscription: Object, canceled_at: int | None) -> None:
    with world.changing(subscription, UPDATED):
        subscription["status"] = "incomplete_expired"
        subscription["canceled_at"] = canceled_at
        subscription["ended_at"] = world.now(subscription["_clock"])
    schedule(world, subscription)
    invoice = world.store.get(subscription["latest_invoice"] or "")
    if invoice and invoice["status"] == "open":
        invoicing.void(world, invoice)


def cancel(world: World, subscription: Object, reason: str | None, still_collects: Object | None = None) -> None:
    """At once and for good; open invoices stay open but nothing tries them any more, except a final one."""
    now = world.now(subscription["_clock"])
    world.store.edit(subscription)
    pending_update.expire(world, subscription)
    subscription["status"], subscription["ended_at"] = "canceled", now
    subscription["canceled_at"] = subscription["canceled_at"] or now
    details = subscription["cancellation_details"]
    subscription["cancellation_details"] = {**details, "reason": details["reason"] or reason}
    schedule(world, subscription)
    world.emit("customer.subscription.deleted", subscription)
    schedule_end.after_subscription(world, subscription, reason)
    for invoice in world.store.where("invoice", "_subscription", subscription["id"]):
        if invoice["status"] in ("draft", "open") and invoice["auto_advance"] and invoice is not still_collects:
            invoicing.stop_collecting(world, invoice)
