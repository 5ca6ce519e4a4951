"""Billing periods (https://docs.stripe.com/billing/subscriptions/billing-cycle)."""

import calendar
from datetime import UTC, datetime, timedelta

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
