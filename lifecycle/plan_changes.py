"""When a change of plan takes effect, and what it costs on that day."""

from enum import StrEnum

from lifecycle.plans import Interval, Terms
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription


class ChangeTiming(StrEnum):
    """How a customer gets to another price, or to more or fewer seats.

    An upgrade is charged at once and granted when it is paid. A downgrade waits for the end of the period that is paid
    for. In a trial nothing has been paid, so the price is swapped and the trial ends when it would have ended.
    """

    WHEN_PAID = "when_paid"
    AT_PERIOD_END = "at_period_end"
    IN_TRIAL = "in_trial"


def timing_of(
    status: Status, before: Terms | None, after: Terms, *, seats_before: int = 1, seats_after: int = 1
) -> ChangeTiming:
    """With the same seats on the same plan a longer interval is had now and a shorter one when the long one is over.

    Otherwise the money of a year decides, for all seats, so that a discount for paying yearly makes no upgrade of a
    lower plan.
    """
    if status is Status.TRIALING:
        return ChangeTiming.IN_TRIAL
    if before is None:
        return ChangeTiming.WHEN_PAID
    if before.plan == after.plan and before.interval is not after.interval and seats_before == seats_after:
        is_more = after.interval is Interval.YEAR
    else:
        is_more = cost_per_year(after) * seats_after > cost_per_year(before) * seats_before
    return ChangeTiming.WHEN_PAID if is_more else ChangeTiming.AT_PERIOD_END


def cost_per_year(terms: Terms) -> int:
    """Of one seat, in minor units, so that monthly and yearly prices can be compared."""
    return terms.amount * (12 if terms.interval is Interval.MONTH else 1)


def quantity_after(subscription: Subscription, terms: Terms, wanted: int | None) -> int:
    """How many seats a change leads to: those asked for, else those there are, as far as another plan allows."""
    if wanted is not None:
        return wanted
    stays = subscription.terms is not None and subscription.terms.plan == terms.plan
    return subscription.seats if stays else min(subscription.seats, terms.max_quantity)
