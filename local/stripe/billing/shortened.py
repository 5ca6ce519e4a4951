"""A last period that ``cancel_at`` cuts short (https://docs.stripe.com/api/subscriptions/update#cancel_at).

Within the period that runs, the rest is credited as ``proration_behavior`` says; a later period that is cut short is
always billed in part.
"""

from fractions import Fraction
from typing import Any

from ..world import World
from . import periods, proration

Object = dict[str, Any]


def cut(world: World, subscription: Object, params: Object) -> None:
    """Let the period that runs end when the subscription does, and give back what follows."""
    at, end = subscription["cancel_at"], periods.period(subscription)[1]
    prorates = params.get("proration_behavior", "create_prorations") != "none"
    if not at or at >= end or not prorates or subscription["status"] in ("trialing", "incomplete", "paused"):
        return
    for item in subscription["items"]["data"]:
        proration.credit_unused(world, subscription, item, at)
    periods.end_items(subscription, at)
    subscription["_cut_from"] = end


def mend(world: World, subscription: Object) -> None:
    """It ends at another time, or not at all: the period is whole again and the credit is taken back."""
    end = subscription.pop("_cut_from", None)
    if end is None:
        return
    at = periods.period(subscription)[1]
    periods.end_items(subscription, end)
    for item in subscription["items"]["data"]:
        proration.charge_remaining(world, subscription, item, at)


def share_of_last(subscription: Object) -> Fraction:
    """The part of a new period that is left before the subscription ends; the period ends then."""
    start, end = periods.period(subscription)
    at = subscription["cancel_at"]
    if not at or subscription["cancel_at_period_end"] or not start < at < end:
        return Fraction(1)
    periods.end_items(subscription, at)
    return Fraction(at - start, end - start)


def bill_in_part(lines: list[Object], share: Fraction) -> None:
    """Lines of full periods become lines of what is left of them."""
    for line in lines if share < 1 else ():
        line["amount"] = line["subtotal"] = proration.part(line["amount"], share)
