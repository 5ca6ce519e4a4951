"""Billing periods (https://docs.stripe.com/billing/subscriptions/billing-cycle)."""

import calendar
from datetime import UTC, datetime, timedelta
from typing import Any

Object = dict[str, Any]
SECONDS = {"day": 86400, "week": 7 * 86400}


def add_interval(start: int, interval: str, count: int, anchor: int) -> int:
    """``count`` intervals after ``start``, on the anchor's day of the month or the month's last day."""
    if interval in SECONDS:
        return start + SECONDS[interval] * count
    months = count * (12 if interval == "year" else 1)
    begin = datetime.fromtimestamp(start, UTC)
    wanted = datetime.fromtimestamp(anchor, UTC)
    month = begin.month - 1 + months
    year, month = begin.year + month // 12, month % 12 + 1
    day = min(wanted.day, calendar.monthrange(year, month)[1])
    return int(datetime(year, month, day, wanted.hour, wanted.minute, wanted.second, tzinfo=UTC).timestamp())


def next_boundary(now: int, interval: str, count: int, anchor: int) -> int:
    """The first boundary after ``now`` in the cycle through ``anchor``."""
    boundary = anchor
    steps = 0
    while boundary <= now:
        steps += 1
        boundary = add_interval(anchor, interval, steps * count, anchor)
    return boundary


def period_before(end: int, interval: str, count: int, anchor: int) -> int:
    """Where the full period that ends at ``end`` begins; proration measures against it."""
    return add_interval(end, interval, -count, anchor)


def written(moment: int) -> str:
    """A date as Stripe's line descriptions write it: ``14 Mar 2026``."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=moment)).strftime("%d %b %Y")


def period(subscription: Object) -> tuple[int, int]:
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def set_period(subscription: Object, start: int, end: int) -> None:
    for item in subscription["items"]["data"]:
        item["current_period_start"], item["current_period_end"] = start, end


def end_items(subscription: Object, end: int) -> None:
    """The period that runs ends at another moment."""
    for item in subscription["items"]["data"]:
        item["current_period_end"] = end


def following(subscription: Object, start: int) -> int:
    """The end of the full period that begins at ``start``."""
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    anchor = subscription["billing_cycle_anchor"]
    return add_interval(start, recurring["interval"], recurring["interval_count"], anchor)
