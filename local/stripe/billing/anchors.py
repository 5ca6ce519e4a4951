"""The day that a cycle is tied to (https://docs.stripe.com/billing/subscriptions/billing-cycle)."""

import calendar
from datetime import UTC, datetime
from typing import Any

from ..protocol.errors import invalid

Object = dict[str, Any]
RANGES = {"month": (1, 12), "day_of_month": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}


def configured(config: Object) -> Object:
    """``billing_cycle_anchor_config`` as a subscription shows it."""
    for name, value in config.items():
        least, most = RANGES[name]
        if not least <= value <= most:
            param = f"billing_cycle_anchor_config[{name}]"
            raise invalid(f"Invalid integer: {name} must be between {least} and {most}", param)
    return {name: config.get(name) for name in ("day_of_month", "hour", "minute", "month", "second")}


def next_occurrence(config: Object, now: int) -> int:
    """The first such moment after now; what is not configured is as it is now, a day too many the month's last."""
    begin = datetime.fromtimestamp(now, UTC)
    time = {
        name: getattr(begin, name) if config[name] is None else config[name] for name in ("hour", "minute", "second")
    }
    for ahead in range(14):
        year, month = begin.year + (begin.month - 1 + ahead) // 12, (begin.month - 1 + ahead) % 12 + 1
        day = min(config["day_of_month"], calendar.monthrange(year, month)[1])
        moment = int(datetime(year, month, day, **time, tzinfo=UTC).timestamp())
        if moment > now and config["month"] in (None, month):
            return moment
    raise AssertionError("a day of a month comes once a year")
