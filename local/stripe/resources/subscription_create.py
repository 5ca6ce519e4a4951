"""Creating a subscription (https://docs.stripe.com/api/subscriptions/create)."""

from fractions import Fraction
from typing import Any

from ..billing import anchors, cycle_invoice, first_invoice, invoicing, lifecycle, lines, periods, shortened, taxing
from ..billing.periods import add_interval, period_before
from ..protocol.errors import invalid, not_emulated
from ..world import World
from . import (
    setup_intents,
    subscription_cancel,
    subscription_discounts,
    subscription_extras,
    subscription_items,
    test_clocks,
)
from .subscription_object import PAYMENT_SETTINGS, new_subscription

Object = dict[str, Any]
DAY = 86400
EMULATED = f"""automatic_tax.enabled billing_cycle_anchor billing_cycle_anchor_config billing_mode.type cancel_at
    cancel_at_period_end collection_method currency customer days_until_due
    default_payment_method description {subscription_discounts.EMULATED} {subscription_items.EMULATED}
    {subscription_extras.EMULATED} metadata off_session payment_behavior {PAYMENT_SETTINGS}
    proration_behavior trial_end trial_from_plan
    trial_period_days trial_settings"""


def create(world: World, params: Object) -> Object:
    if "customer" not in params:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = world.find("customer", params["customer"], "customer")
    test_clocks.refuse_while_advancing(world, customer["_clock"])
    test_clocks.make_room_for_subscription(world, customer)
    _refuse(params)
    return begin(world, customer, params)


def begin(world: World, customer: Object, params: Object, schedule: str | None = None) -> Object:
    """By request, or when the first phase of a ``schedule`` begins."""
    subscription = new_subscription(world, customer, params)
    method = lifecycle.default_method(world, subscription)
    subscription["automatic_tax"] = taxing.asked_for(world, customer, method, params)
    subscription["schedule"] = schedule
    items: list[Object] = []
    for position, entry in enumerate(params.get("items", [])):
        subscription_items.refuse_double(items, entry, position)
        items.append(subscription_items.new(world, subscription, entry, position))
    if not items:
        raise invalid("Missing required param: items.", "items", "parameter_missing")
    subscription_items.same_interval(items)
    _refuse_other_currency(world, subscription)
    subscription["items"] = _list(subscription["id"], items)
    share = _begin(world, subscription, params)
    subscription_cancel.plan(world, subscription, params)
    if share and params.get("proration_behavior") != "none":
        share *= shortened.share_of_last(subscription)
    world.store.put(subscription)
    mark = world.mark()
    subscription_discounts.change(world, subscription, params)
    subscription_extras.add(world, subscription, params.get("add_invoice_items", []))
    _bill(world, subscription, params, share)
    world.emit("customer.subscription.created", subscription, at=mark)
    lifecycle.schedule(world, subscription)
    if subscription["status"] == "trialing":
        first_invoice.warn_of_short_trial(world, subscription)
    return subscription


def _refuse(params: Object) -> None:
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise invalid("payment_behavior=pending_if_incomplete can only be used on update.", "payment_behavior")
    if params.get("billing_mode", {}).get("type", "flexible") != "flexible":
        raise not_emulated("billing_mode[type]=classic", "billing_mode[type]")
    if "trial_end" in params and "trial_period_days" in params:
        raise invalid("You may only specify one of these parameters: trial_end, trial_period_days.", "trial_end")


def _refuse_other_currency(world: World, subscription: Object) -> None:
    """Not two subscriptions in two currencies (https://docs.stripe.com/invoicing/multi-currency-customers)."""
    for other in world.store.where("subscription", "customer", subscription["customer"]):
        if other["status"] not in lifecycle.OVER and other["currency"] != subscription["currency"]:
            message = "You cannot combine currencies on a single customer. This customer has an active subscription, "
            message += f"subscription schedule, discount, quote, or invoice item with currency {other['currency']}"
            raise invalid(message)


def _list(id: str, items: list[Object]) -> Object:
    url = f"/v1/subscription_items?subscription={id}"
    return {"object": "list", "data": items, "has_more": False, "url": url}


def _trial_end(subscription: Object, params: Object, now: int) -> int | None:
    end, days = params.get("trial_end"), params.get("trial_period_days")
    if days is None and end is None and params.get("trial_from_plan"):
        days = subscription["items"]["data"][0]["price"]["recurring"]["trial_period_days"]
    if days is not None:
        if not 0 <= days <= 730:
            raise invalid("Invalid integer: trial_period_days must be between 0 and 730", "trial_period_days")
        return now + days * DAY if days else None
    if end in (None, "now"):
        return None
    if int(end) <= now:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end")
    return int(end)


def _begin(world: World, subscription: Object, params: Object) -> Fraction:
    """The first period, and which share of a full one it is billed as."""
    now = world.now(subscription["_clock"])
    trial_end, anchor = _trial_end(subscription, params, now), _anchor(subscription, params, now)
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    interval, count = recurring["interval"], recurring["interval_count"]
    if trial_end:
        if anchor:
            raise not_emulated("billing_cycle_anchor together with a trial", "billing_cycle_anchor")
        subscription["trial_start"], subscription["trial_end"] = now, trial_end
        subscription["billing_cycle_anchor"] = trial_end
        periods.set_period(subscription, now, trial_end)
        return Fraction(0)
    if anchor is None:
        periods.set_period(subscription, now, add_interval(now, interval, count, now))
        return Fraction(1)
    if not now < anchor <= add_interval(now, interval, count, now):
        message = "billing_cycle_anchor must be in the future and no later than the next natural billing date."
        raise invalid(message, "billing_cycle_anchor")
    subscription["billing_cycle_anchor"] = anchor
    periods.set_period(subscription, now, anchor)
    if params.get("proration_behavior") == "none":
        return Fraction(0)
    return Fraction(anchor - now, anchor - period_before(anchor, interval, count, anchor))


def _anchor(subscription: Object, params: Object, now: int) -> int | None:
    if "billing_cycle_anchor_config" not in params:
        return params.get("billing_cycle_anchor")
    if "billing_cycle_anchor" in params:
        message = "You may only specify one of these parameters: billing_cycle_anchor, billing_cycle_anchor_config."
        raise invalid(message, "billing_cycle_anchor_config", "parameters_exclusive")
    config = anchors.configured(params["billing_cycle_anchor_config"])
    subscription["billing_cycle_anchor_config"] = config
    return anchors.next_occurrence(config, now)


def _bill(world: World, subscription: Object, params: Object, share: Fraction) -> None:
    """The first invoice; free for a trial, and then there is nothing to pay before it ends.

    None when the time until ``billing_cycle_anchor`` is not charged
    (https://docs.stripe.com/billing/subscriptions/billing-cycle).
    """
    now, trial = world.now(subscription["_clock"]), subscription["trial_end"] is not None
    if share == 0 and not trial:
        subscription["status"] = "active"
        return
    full = [lines.full_period(world, subscription, item, trial) for item in subscription["items"]["data"]]
    if not trial:
        shortened.bill_in_part(full, share)
    subscription["status"] = "trialing" if trial else "incomplete"
    invoice = invoicing.draft(world, subscription, "subscription_create", full, (now, now))
    subscription["latest_invoice"] = invoice["id"]
    if subscription["schedule"] or subscription["collection_method"] == "send_invoice":
        # https://docs.stripe.com/billing/collection-method: nothing has to be paid before it begins
        subscription["status"] = "trialing" if trial else "active"
        world.emit("invoice.created", invoice)
        cycle_invoice.finalize_later(world, invoice)
        return
    _collect(world, subscription, invoice, params)


def _collect(world: World, subscription: Object, invoice: Object, params: Object) -> None:
    subscription["_being_created"] = True
    behavior = params.get("payment_behavior", "allow_incomplete")
    first_invoice.issue(world, subscription, invoice, behavior, params.get("off_session", False))
    del subscription["_being_created"]
    if invoice["amount_due"] == 0:
        setup_intents.make_ready(world, subscription, lifecycle.default_method(world, subscription))
