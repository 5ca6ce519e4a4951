"""Stripe's own words for where a subscription stands.

https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses
"""

from enum import StrEnum


class Status(StrEnum):
    """The eight statuses of a Stripe subscription, and ``NONE`` before the first one."""

    NONE = "none"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"

    @property
    def is_over(self) -> bool:
        """Terminal in Stripe: this subscription object will never change again."""
        return self in {Status.CANCELED, Status.INCOMPLETE_EXPIRED}

    @property
    def is_live(self) -> bool:
        """There is a subscription and it is not over."""
        return self is not Status.NONE and not self.is_over
