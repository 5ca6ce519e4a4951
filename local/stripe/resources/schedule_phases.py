"""The phases of a schedule: each begins where the one before it ends.

https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from typing import Any

from ..billing import periods, redemption
from ..protocol.errors import invalid
from ..world import World
from . import payment_methods, subscription_items
from .schedule_object import new_item, new_phase

Object = dict[str, Any]
NAMES = """billing_cycle_anchor currency default_payment_method description discounts duration end_date
    items.metadata items.price
    items.price_data items.quantity metadata proration_behavior start_date trial trial_end"""
EMULATED = " ".join(f"phases.{name}" for name in NAMES.split())
KEPT = ("billing_cycle_anchor", "default_payment_method", "description", "metadata", "proration_behavior")


def of_subscription(subscription: Object) -> Object:
    """The period that runs, as a phase."""
    start, end = periods.period(subscription)
    items = [
        new_item(item["price"]["id"], item["quantity"], dict(item["metadata"]))
        for item in subscription["items"]["data"]
    ]
    trial = subscription["trial_end"] if subscription["status"] == "trialing" else None
    discounts = [_discount(discount=id) for id in subscription["discounts"]]
    return new_phase(start, end, items, subscription["currency"], trial_end=trial, discounts=discounts)


def build(world: World, customer: str, given: list[Object], start: int, now: int) -> list[Object]:
    phases: list[Object] = []
    for position, entry in enumerate(given):
        param = f"phases[{position}]"
        begins = _moment(entry.get("start_date"), now)
        if position and begins not in (None, start):
            raise invalid(
                "The start_date of a phase must be the end_date of the phase before it.", f"{param}[start_date]"
            )
        phase = _phase(world, customer, entry, param, start, now)
        phases.append(phase)
        start = phase["end_date"]
    return phases


def _phase(world: World, customer: str, entry: Object, param: str, start: int, now: int) -> Object:
    items, prices = [], []
    for position, one in enumerate(entry["items"]):
        price = subscription_items.price_of(world, one, f"{param}[items][{position}]")
        prices.append(price)
        items.append(new_item(price["id"], one.get("quantity", 1), one.get("metadata") or {}))
    if not items:
        raise invalid(f"Missing required param: {param}[items].", f"{param}[items]", "parameter_missing")
    if entry.get("default_payment_method"):
        payment_methods.owned(world, entry["default_payment_method"], customer, f"{param}[default_payment_method]")
    end = _end(entry, param, start, now, prices[0]["recurring"])
    trial = end if entry.get("trial") else _moment(entry.get("trial_end"), now)
    kept = {name: entry[name] or None for name in KEPT if name in entry}
    kept["discounts"] = [
        _checked(world, one, f"{param}[discounts][{n}]") for n, one in enumerate(entry.get("discounts") or [])
    ]
    return new_phase(start, end, items, prices[0]["currency"], **kept, trial_end=trial)


def _discount(**given: str) -> Object:
    return {"coupon": None, "discount": None, "promotion_code": None, **given}


def _checked(world: World, entry: Object, param: str) -> Object:
    """It must be there now; whether it may be redeemed is asked when the phase begins."""
    if "discount" in entry:
        world.find("discount", entry["discount"], f"{param}[discount]")
    else:
        redemption.chosen(world, entry, param)
    return _discount(**entry)


def _end(entry: Object, param: str, start: int, now: int, recurring: Object) -> int:
    """Given as a date or a duration; else the phase lasts one interval."""
    if "end_date" in entry and "duration" in entry:
        message = "You may only specify one of these parameters: duration, end_date."
        raise invalid(message, f"{param}[end_date]", "parameters_exclusive")
    end = _moment(entry.get("end_date"), now)
    if end is None:
        length = entry.get("duration", recurring)
        end = periods.add_interval(start, length["interval"], length.get("interval_count", 1), start)
    if end <= start:
        raise invalid("The end_date of a phase must be after its start_date.", f"{param}[end_date]")
    return end


def _moment(given: Any, now: int) -> int | None:
    return now if given == "now" else None if given is None else int(given)
