"""When a change of plan takes effect, and what it costs on that day."""

from enum import StrEnum

from lifecycle.plans import Interval, Terms
from lifecycle.statuses import Status


class ChangeTiming(StrEnum):
    """How a customer gets to another price.

    An upgrade is charged at once and granted when it is paid. A downgrade waits for the end of the period that is paid
    for. In a trial nothing has been paid, so the price is swapped and the trial ends when it would have ended.
    """

    WHEN_PAID = "when_paid"
    AT_PERIOD_END = "at_period_end"
    IN_TRIAL = "in_trial"


def timing_of(status: Status, before: Terms | None, after: Terms) -> ChangeTiming:
    """Whoever pays more a year, or commits to a longer interval of the same plan, gets it now."""
    if status is Status.TRIALING:
        return ChangeTiming.IN_TRIAL
    if before is None or cost_per_year(after) > cost_per_year(before):
        return ChangeTiming.WHEN_PAID
    commits_longer = before.plan == after.plan and before.interval is Interval.MONTH and after.interval is Interval.YEAR
    return ChangeTiming.WHEN_PAID if commits_longer else ChangeTiming.AT_PERIOD_END


def cost_per_year(terms: Terms) -> int:
    """In minor units, so that monthly and yearly prices can be compared."""
    return terms.amount * (12 if terms.interval is Interval.MONTH else 1)
