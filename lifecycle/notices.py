"""The one thing that a customer should be told in the app now: the most urgent of what waits for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lifecycle.access import Standing
from lifecycle.expiring_cards import card_expires_at, last_month_of
from lifecycle.facts import Card
from lifecycle.statuses import Status
from lifecycle.subscription import FIRST_PAYMENT_WINDOW

TRIAL_REMINDER_DAYS, SHORT_TRIAL_REMINDER_DAYS, CARD_REMINDER_DAYS = 3, 1, 7
"""Where the rules that a subscription was sold under are not known."""


class NoticeKind(StrEnum):
    """What to tell, the most urgent first; stable names for programs."""

    ACTION_REQUIRED = "action_required"
    """Confirm the payment at the bank."""
    PAYMENT_FAILED = "payment_failed"
    """Pay, or give another card."""
    UPGRADE_UNPAID = "upgrade_unpaid"
    """An upgrade waits for its payment."""
    TRIAL_ENDING = "trial_ending"
    CANCELLATION_SCHEDULED = "cancellation_scheduled"
    CARD_EXPIRING = "card_expiring"
    """The card will have expired at the next charge."""
    PAUSED = "paused"
    """Add a card to go on."""


@dataclass(frozen=True)
class Notice:
    """``by`` is when it is too late, or when it happens; ``url`` is where the customer does something about it."""

    kind: NoticeKind
    by: datetime | None = None
    url: str | None = None


@dataclass(frozen=True)
class Situation:
    """What notices depend on, beside the standing. Days are those of the policy it was sold under."""

    standing: Standing
    started_at: datetime | None = None
    period_starts_at: datetime | None = None
    has_open_invoice: bool = False
    action_required: bool = False
    invoice_url: str | None = None
    upgrade_url: str | None = None
    upgrade_until: datetime | None = None
    card: Card | None = None
    trial_reminder_days: int = TRIAL_REMINDER_DAYS
    short_trial_reminder_days: int = SHORT_TRIAL_REMINDER_DAYS
    card_reminder_days: int = CARD_REMINDER_DAYS


def notice_at(situation: Situation, now: datetime) -> Notice | None:
    """The single most urgent notice at ``now`` on the customer's clock; None: there is nothing to tell."""
    status = situation.standing.status
    if not status.is_live or situation.standing.is_suspended:
        return None
    return (
        _about_an_invoice(situation, now)
        or _about_an_upgrade(situation, now)
        or _about_the_trial(situation, now)
        or _about_the_end(situation, now)
        or _about_the_card(situation, now)
        or (Notice(NoticeKind.PAUSED) if status is Status.PAUSED else None)
    )


def _about_an_invoice(situation: Situation, now: datetime) -> Notice | None:
    by = _pays_until(situation)
    by = by if by and by > now else None
    if situation.has_open_invoice and situation.action_required:
        return Notice(NoticeKind.ACTION_REQUIRED, by, situation.invoice_url)
    is_late = situation.standing.status in {Status.PAST_DUE, Status.UNPAID}
    return Notice(NoticeKind.PAYMENT_FAILED, by, situation.invoice_url) if is_late else None


def _pays_until(situation: Situation) -> datetime | None:
    """A first payment may come for 23 hours, a later one while grace lasts."""
    if situation.standing.status is not Status.INCOMPLETE:
        return situation.standing.grace_ends_at
    return situation.started_at + FIRST_PAYMENT_WINDOW if situation.started_at else None


def _about_an_upgrade(situation: Situation, now: datetime) -> Notice | None:
    until = situation.upgrade_until
    if situation.upgrade_url is None or (until and until <= now):
        return None
    return Notice(NoticeKind.UPGRADE_UNPAID, until, situation.upgrade_url)


def _about_the_trial(situation: Situation, now: datetime) -> Notice | None:
    """As long before the end as the letter is; of a trial that ends with a cancellation that one is told."""
    ends, started = situation.standing.trial_ends_at, situation.started_at
    if situation.standing.status is not Status.TRIALING or ends is None or _end(situation) or now >= ends:
        return None
    is_short = started is not None and ends - started <= timedelta(days=situation.trial_reminder_days)
    days = situation.short_trial_reminder_days if is_short else situation.trial_reminder_days
    return Notice(NoticeKind.TRIAL_ENDING, ends) if now >= ends - timedelta(days=days) else None


def _about_the_end(situation: Situation, now: datetime) -> Notice | None:
    end = _end(situation)
    return Notice(NoticeKind.CANCELLATION_SCHEDULED, end) if end and end > now else None


def _about_the_card(situation: Situation, now: datetime) -> Notice | None:
    """From the first of its last month, or from the letter before the charge, until that charge."""
    expiry, charged_at = card_expires_at(situation.card), situation.standing.current_period_ends_at
    if expiry is None or charged_at is None or not now < charged_at or _end(situation):
        return None
    is_trial, starts = situation.standing.status is Status.TRIALING, situation.period_starts_at
    was_charged_since = not is_trial and starts is not None and starts >= expiry
    if situation.standing.status not in {Status.TRIALING, Status.ACTIVE} or expiry > charged_at or was_charged_since:
        return None
    begins = min(last_month_of(expiry), charged_at - timedelta(days=situation.card_reminder_days))
    return Notice(NoticeKind.CARD_EXPIRING, charged_at) if now >= begins else None


def _end(situation: Situation) -> datetime | None:
    """When the subscription ends by the customer's wish, if it does."""
    standing = situation.standing
    return standing.cancel_at or (standing.current_period_ends_at if standing.cancel_at_period_end else None)
