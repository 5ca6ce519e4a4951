"""Who may use the product now: a pure answer from the state, its deadlines and the customer's clock."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lifecycle.statuses import Status


class AccessReason(StrEnum):
    """Why access is granted or not; stable names for programs."""

    TRIAL = "trial"
    PAID = "paid"
    FREE = "free"
    CANCELLATION_SCHEDULED = "cancellation_scheduled"
    GRACE = "grace"
    NO_SUBSCRIPTION = "no_subscription"
    PAYMENT_INCOMPLETE = "payment_incomplete"
    TRIAL_ENDED = "trial_ended"
    PERIOD_ENDED = "period_ended"
    GRACE_ENDED = "grace_ended"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class Standing:
    """What access depends on. Moments are aware; ``grace_ends_at`` is set while a payment is past due.

    ``is_free``: the plan costs nothing. ``is_suspended``: a payment was taken back by the bank, and the subscription is
    about to be ended for it.
    """

    status: Status
    trial_ends_at: datetime | None = None
    current_period_ends_at: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    grace_ends_at: datetime | None = None
    is_suspended: bool = False
    is_free: bool = False


@dataclass(frozen=True)
class Access:
    """The answer. ``until`` is the moment at which it turns by itself; None when no such moment is known."""

    granted: bool
    until: datetime | None
    reason: AccessReason


_WITHOUT: dict[Status, AccessReason] = {
    Status.NONE: AccessReason.NO_SUBSCRIPTION,
    Status.INCOMPLETE: AccessReason.PAYMENT_INCOMPLETE,
    Status.INCOMPLETE_EXPIRED: AccessReason.PAYMENT_INCOMPLETE,
    Status.PAUSED: AccessReason.PAUSED,
    Status.CANCELED: AccessReason.CANCELED,
}


def access_at(standing: Standing, now: datetime) -> Access:
    """Whether a customer has access at ``now`` on the customer's own clock.

    A deadline that has passed counts as passed even when nobody has told us yet: an ended trial, grace or a
    scheduled end gives no access before the webhook comes. A renewal is different: an active customer whose new
    period Stripe has not confirmed yet keeps access, for nothing was declined. Grace is ours: a Stripe account that
    calls a subscription unpaid after its last try does not end it.
    """
    if standing.status in _WITHOUT:
        return Access(granted=False, until=None, reason=_WITHOUT[standing.status])
    if standing.is_suspended:
        return Access(granted=False, until=None, reason=AccessReason.SUSPENDED)
    end = _scheduled_end(standing)
    if end is not None and now >= end:
        return Access(granted=False, until=None, reason=AccessReason.PERIOD_ENDED)
    match standing.status:
        case Status.TRIALING:
            return _until(standing.trial_ends_at, end, now, AccessReason.TRIAL, AccessReason.TRIAL_ENDED)
        case Status.PAST_DUE:
            return _until(standing.grace_ends_at, end, now, AccessReason.GRACE, AccessReason.GRACE_ENDED)
        case Status.UNPAID:
            return _until(standing.grace_ends_at, end, now, AccessReason.GRACE, AccessReason.UNPAID)
    standing_reason = AccessReason.FREE if standing.is_free else AccessReason.PAID
    reason = standing_reason if end is None else AccessReason.CANCELLATION_SCHEDULED
    return Access(granted=True, until=end, reason=reason)


def _scheduled_end(standing: Standing) -> datetime | None:
    """When the subscription ends by the customer's own wish, if it does."""
    period_end = standing.current_period_ends_at if standing.cancel_at_period_end else None
    ends = [moment for moment in (period_end, standing.cancel_at) if moment is not None]
    return min(ends) if ends else None


def _until(
    deadline: datetime | None, end: datetime | None, now: datetime, granted: AccessReason, over: AccessReason
) -> Access:
    """Access that needs a deadline: without one nothing promises that it ever ends, so there is none."""
    if deadline is None or now >= deadline:
        return Access(granted=False, until=None, reason=over)
    if end is not None and end <= deadline:
        return Access(granted=True, until=end, reason=AccessReason.CANCELLATION_SCHEDULED)
    return Access(granted=True, until=deadline, reason=granted)
