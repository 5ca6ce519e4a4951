"""When a customer hears that a card expires: on the first of its last month, and before a charge that it would miss."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lifecycle.facts import Card
from lifecycle.statuses import Status

if TYPE_CHECKING:
    from lifecycle.subscription import Subscription


def card_expires_at(card: Card | None) -> datetime | None:
    """The moment from which a card is refused: the first of the month after the one printed on it."""
    if card is None or card.exp_month is None or card.exp_year is None:
        return None
    years, month = divmod(card.exp_month, 12)
    return datetime(card.exp_year + years, month + 1, 1, tzinfo=UTC)


def last_month_of(expiry: datetime) -> datetime:
    """The first of the month at whose end a card expires."""
    return (expiry - timedelta(days=1)).replace(day=1)


def card_reminder_at(subscription: "Subscription") -> datetime | None:
    """When the customer hears of the card next; None when told, when nothing is to be told before the period is over,
    or when it will not be charged."""
    return min((at for at, _ in _untold(subscription)), default=None)


def card_is_next(subscription: "Subscription") -> bool:
    """Whether this is what there is to wait for next."""
    card_at, trial_at = card_reminder_at(subscription), subscription.trial_reminder_at
    return card_at is not None and (trial_at is None or card_at <= trial_at)


def reminded_of_card(subscription: "Subscription", now: datetime) -> "Subscription":
    """The state once the customer was told what there is to tell ``now``; of two occasions the later one is told."""
    due = [name for at, name in _untold(subscription) if at <= now]
    return replace(subscription, card_reminded_for=due[-1]) if due else subscription


def _untold(subscription: "Subscription") -> list[tuple[datetime, str]]:
    """Moments in order, each with the name of its occasion: the card, its expiry, and the charge that it would miss."""
    occasions = sorted(_occasions(subscription))
    names = [name for _, name in occasions]
    told = subscription.card_reminded_for
    return occasions[names.index(told) + 1 :] if told in names else occasions


def _occasions(subscription: "Subscription") -> list[tuple[datetime, str]]:
    """A card that was charged after its expiry was renewed by its bank, so nothing is said of it any more."""
    card, expiry = subscription.card, card_expires_at(subscription.card)
    starts, charged_at, terms = subscription.period_starts_at, subscription.period_ends_at, subscription.terms
    is_paying = subscription.status in {Status.TRIALING, Status.ACTIVE}
    is_charged = is_paying and not subscription.is_canceling and not subscription.is_suspended
    if card is None or expiry is None or starts is None or charged_at is None or terms is None or not is_charged:
        return []
    name, month = f"{card.id}/{expiry:%Y-%m}", last_month_of(expiry)
    found = [(month, name)] if month >= starts else []
    if expiry <= charged_at and (starts < expiry or subscription.status is Status.TRIALING):
        before = charged_at - timedelta(days=terms.policy.card_reminder_days)
        found.append((max(before, starts), f"{name}/{charged_at:%Y-%m-%d}"))
    return [(at, occasion) for at, occasion in found if at < charged_at]
