"""Ending a subscription, at once or later (https://docs.stripe.com/billing/subscriptions/cancel)."""

from typing import Any

from ..billing import first_invoice, invoicing, lifecycle, lines, periods, proration, shortened
from ..protocol.errors import invalid, not_emulated
from ..world import World
from . import test_clocks

Object = dict[str, Any]
WHEN = ("cancel_at", "cancel_at_period_end")


def plan(world: World, subscription: Object, params: Object) -> None:
    """Scheduling stamps ``canceled_at`` now; taking it back clears it."""
    if "cancellation_details" in params:
        given = {name: value or None for name, value in params["cancellation_details"].items()}
        subscription["cancellation_details"] = {**subscription["cancellation_details"], **given}
    if params.get("cancel_at_period_end") and params.get("cancel_at"):
        raise invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
            "cancel_at",
            "parameters_exclusive",
        )
    if any(name in params for name in WHEN):
        _schedule(world, subscription, params)


def _schedule(world: World, subscription: Object, params: Object) -> None:
    if subscription["schedule"]:
        message = (
            f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and updating any "
            "cancelation behavior directly is not allowed. Please update the schedule instead."
        )
        raise invalid(message)
    at_end = bool(params.get("cancel_at_period_end"))
    if "cancel_at" not in params and at_end is subscription["cancel_at_period_end"]:
        return
    if at_end and subscription["status"] == "paused":
        raise not_emulated("Canceling at the end of a period that stands still", "cancel_at_period_end")
    shortened.mend(world, subscription)
    at = _moment(world, subscription, params)
    subscription["cancel_at"], subscription["cancel_at_period_end"] = at, at_end
    if subscription["id"] in world.store.objects:
        shortened.cut(world, subscription, params)
    now = world.now(subscription["_clock"])
    subscription["canceled_at"] = (subscription["canceled_at"] or now) if at else None
    reason = "cancellation_requested" if at else None
    subscription["cancellation_details"] = {**subscription["cancellation_details"], "reason": reason}


def _moment(world: World, subscription: Object, params: Object) -> int | None:
    """When it ends. With one interval for all items the first end of a period is also the last."""
    end = periods.period(subscription)[1]
    at = params.get("cancel_at") or None
    if params.get("cancel_at_period_end") or at in ("min_period_end", "max_period_end"):
        return end
    if at == "max_billed_until":
        raise not_emulated("cancel_at=max_billed_until", "cancel_at")
    if at is None:
        return None
    if at <= world.now(subscription["_clock"]):
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", "cancel_at")
    return int(at)


def cancel(world: World, id: str, params: Object) -> Object:
    """At once. An incomplete one expires and its invoice is voided; otherwise open invoices stay as they are."""
    subscription = world.find("subscription", id)
    test_clocks.refuse_while_advancing(world, subscription["_clock"])
    if subscription["status"] in lifecycle.OVER:
        raise invalid(f"No such subscription: '{id}'", "id", "resource_missing", status=404)
    now = world.now(subscription["_clock"])
    given = {name: value or None for name, value in params.get("cancellation_details", {}).items()}
    world.store.edit(subscription)
    subscription["cancellation_details"] = {**subscription["cancellation_details"], **given}
    if subscription["status"] == "incomplete":
        lifecycle.give_up_incomplete(world, subscription, canceled_at=now)
        return subscription
    if params.get("prorate") and subscription["status"] not in ("trialing", "paused"):
        for item in subscription["items"]["data"]:
            proration.credit_unused(world, subscription, item, now)
    invoice = _final_invoice(world, subscription, now) if params.get("invoice_now") else None
    subscription["canceled_at"] = now
    lifecycle.cancel(world, subscription, reason="cancellation_requested")
    if invoice:
        first_invoice.issue(world, subscription, invoice, "allow_incomplete", True)
    return subscription


def _final_invoice(world: World, subscription: Object, now: int) -> Object | None:
    if not lines.pending_items(world, subscription):
        return None
    start = periods.period(subscription)[0]
    invoice = invoicing.draft(world, subscription, "subscription_update", [], (start, now))
    invoice["auto_advance"] = False
    subscription["latest_invoice"] = invoice["id"]
    return invoice
