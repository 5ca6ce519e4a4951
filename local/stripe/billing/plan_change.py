"""What an update does to a subscription's items, trial and cycle, and what it owes for that.

https://docs.stripe.com/billing/subscriptions/change-price, https://docs.stripe.com/billing/subscriptions/prorations
"""

from typing import Any

from ..protocol.errors import invalid, not_emulated
from ..resources import subscription_items
from ..world import World
from . import invoicing, lifecycle, lines, periods, proration

Object = dict[str, Any]


def apply(world: World, subscription: Object, params: Object) -> Object | None:
    """Change items, trial and anchor; the draft invoice that is due at once, if any."""
    now = world.now(subscription["_clock"])
    at = _proration_date(subscription, params, now)
    before = [dict(item) for item in subscription["items"]["data"]]
    was_trialing = subscription["status"] == "trialing"
    if "items" in params:
        subscription_items.change(world, subscription, params["items"])
    resets = _trial(world, subscription, params, now) or _cycle_restarts(subscription, params, before, was_trialing)
    prorates = params.get("proration_behavior", "create_prorations") != "none"
    owes = not was_trialing and subscription["status"] != "incomplete"
    if prorates and owes:
        _prorate(world, subscription, before, at, resets or subscription["status"] == "trialing")
    old_period = (before[0]["current_period_start"], now)
    if resets:
        subscription["billing_cycle_anchor"] = now
        periods.set_period(subscription, now, periods.following(subscription, now))
    _keep_cancellation(subscription)
    return _due_now(world, subscription, params, resets, old_period)


def ends_trial_without_card(world: World, subscription: Object, params: Object) -> bool:
    """``trial_end=now`` without a card does at once what the trial settings say for its end."""
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    asked = params.get("trial_end") == "now" and subscription["status"] == "trialing"
    if not asked or behavior == "create_invoice" or lifecycle.default_method(world, subscription):
        return False
    if params.keys() - {"trial_end", "off_session", "payment_behavior", "proration_behavior"}:
        raise not_emulated("Ending a trial without a card together with other changes", "trial_end")
    world.store.edit(subscription)["trial_end"] = world.now(subscription["_clock"])
    lifecycle.end_trial(world, subscription)
    return True


def _proration_date(subscription: Object, params: Object, now: int) -> int:
    at = int(params.get("proration_date", now))
    start, end = periods.period(subscription)
    if "proration_date" in params and not start <= at <= end:
        raise invalid("The proration_date must be within the current period of the subscription.", "proration_date")
    return at


def _trial(world: World, subscription: Object, params: Object, now: int) -> bool:
    """Move the trial's end; True when the first paid period begins now."""
    if params.get("trial_from_plan"):
        params = {**params, "trial_end": _trial_of_plan(subscription, params, now)}
    if params.get("trial_end") is None:
        return False
    if params["trial_end"] == "now":
        if subscription["status"] != "trialing":
            return False
        subscription["trial_end"], subscription["status"] = now, "active"
        return True
    end = int(params["trial_end"])
    if end <= now:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end")
    start = periods.period(subscription)[0] if subscription["status"] == "trialing" else now
    subscription["trial_start"] = subscription["trial_start"] if subscription["status"] == "trialing" else now
    subscription["trial_end"] = subscription["billing_cycle_anchor"] = end
    subscription["_next_status"] = "trialing"
    periods.set_period(subscription, start, end)
    return False


def _trial_of_plan(subscription: Object, params: Object, now: int) -> int | None:
    if "trial_end" in params:
        message = "You may only specify one of these parameters: trial_end, trial_from_plan."
        raise invalid(message, "trial_from_plan", "parameters_exclusive")
    days = subscription["items"]["data"][0]["price"]["recurring"]["trial_period_days"]
    return now + days * 86400 if days else None


def _cycle_restarts(subscription: Object, params: Object, before: list[Object], was_trialing: bool) -> bool:
    if was_trialing or "_next_status" in subscription:
        return False
    if params.get("billing_cycle_anchor", {}).get("type") == "now":
        return True
    old, new = before[0]["price"]["recurring"], subscription["items"]["data"][0]["price"]["recurring"]
    return bool((old["interval"], old["interval_count"]) != (new["interval"], new["interval_count"]))


def _prorate(world: World, subscription: Object, before: list[Object], at: int, restarts: bool) -> None:
    """Credit what is no longer used, charge what is used from now on; unchanged items only when the cycle restarts."""
    restarts = restarts or "_next_status" in subscription
    after = {item["id"]: item for item in subscription["items"]["data"]}
    for old in before:
        new = after.pop(old["id"], None)
        if new is not None and not restarts and _same(old, new):
            continue
        proration.credit_unused(world, subscription, old, at)
        if new is not None and not restarts:
            proration.charge_remaining(world, subscription, new, at)
    for added in after.values() if not restarts else ():
        proration.charge_remaining(world, subscription, added, at)


def _same(old: Object, new: Object) -> bool:
    return bool(new["price"]["id"] == old["price"]["id"] and new["quantity"] == old["quantity"])


def _keep_cancellation(subscription: Object) -> None:
    if "_next_status" in subscription:
        subscription["status"] = subscription.pop("_next_status")
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = periods.period(subscription)[1]


def _due_now(
    world: World, subscription: Object, params: Object, resets: bool, old_period: tuple[int, int]
) -> Object | None:
    full = [lines.full_period(world, subscription, item) for item in subscription["items"]["data"]] if resets else []
    at_once = params.get("proration_behavior") == "always_invoice" and lines.pending_items(world, subscription)
    if not full and not at_once:
        return None
    invoice = invoicing.draft(world, subscription, "subscription_update", full, old_period)
    subscription["latest_invoice"] = invoice["id"]
    return invoice


def refuse_unless_changeable(subscription: Object, params: Object) -> None:
    """https://docs.stripe.com/billing/subscriptions/overview: what is over or not yet paid cannot change plan."""
    status = subscription["status"]
    if status in lifecycle.OVER:
        if params.keys() - {"metadata", "cancellation_details"}:
            raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    elif status == "incomplete" and params.keys() & {"items", "trial_end", "billing_cycle_anchor"}:
        raise invalid(
            "This subscription is incomplete: its items, trial and billing cycle cannot be updated until the first "
            "invoice is paid."
        )
    elif status == "paused" and params.keys() & {"items", "trial_end", "billing_cycle_anchor"}:
        raise not_emulated("Changing a paused subscription")
