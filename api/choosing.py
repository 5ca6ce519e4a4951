"""What a caller means who leaves something open."""

from collections.abc import Mapping
from typing import Any

from lifecycle.plans import Interval


def chosen_interval(row: Mapping[str, Any] | None, asked: str | None) -> Interval:
    """The interval asked for, else the present one; monthly where there is none, and for whoever pays nothing yet.

    Where there is no subscription, the workflow says so.
    """
    if asked is not None:
        return Interval(asked)
    is_paying = row is not None and row["interval"] in set(Interval) and row["amount"] != 0
    return Interval(row["interval"]) if row is not None and is_paying else Interval.MONTH
