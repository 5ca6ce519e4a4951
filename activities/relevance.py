"""Whether a letter is still true at the moment it would be sent.

Letters wait: for SMTP, for a worker, for a night. What was right when it was decided can be wrong by then, and a
letter that asks for a payment already made costs more trust than one that never comes.
"""

from dataclasses import dataclass
from datetime import datetime

from lifecycle.expiring_cards import card_expires_at
from lifecycle.facts import Card
from lifecycle.notifications import Notification, NotificationDue
from lifecycle.statuses import Status


@dataclass(frozen=True)
class Standing:
    """What the projection says of the subscription now: the columns of `subscriptions` that letters depend on."""

    plan: str | None
    planned_plan: str | None
    status: str | None
    trial_ends_at: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    open_invoice_id: str | None
    open_invoice_url: str | None
    action_required: bool
    card_brand: str | None
    card_last4: str | None
    card_exp_month: int | None
    card_exp_year: int | None
    quantity: int | None = None
    planned_quantity: int | None = None

    @property
    def is_ending(self) -> bool:
        """A cancellation is scheduled."""
        return self.cancel_at_period_end or self.cancel_at is not None

    @property
    def is_live(self) -> bool:
        """There is a subscription and it is not over."""
        return Status(self.status or Status.NONE).is_live


def why_skip(due: NotificationDue, standing: Standing | None, now: datetime) -> str | None:
    """The reason why this letter must not be sent any more; ``None`` when it still holds.

    ``now`` is the customer's own time, which in the local stack may be ahead of the wall clock.
    """
    if due.kind is Notification.TRIAL_REFUSED:
        return "subscribed since" if standing and standing.is_live else None
    if due.kind is Notification.ABANDONED_CHECKOUT:
        return "subscribed meanwhile" if standing and standing.is_live else None
    if standing is None:
        return "no subscription"
    if due.kind is Notification.CANCELED:
        return "subscribed again" if standing.is_live else None
    if not standing.is_live:
        return "subscription is over"
    match due.kind:
        case Notification.TRIAL_ENDING | Notification.TRIAL_EXTENDED:
            return _trial(due, standing, now)
        case Notification.PAYMENT_FAILED | Notification.ACTION_REQUIRED:
            return _invoice(due, standing)
        case Notification.PAYMENT_RECOVERED:
            return None if standing.status == Status.ACTIVE else "no longer active"
        case Notification.TRIAL_PAUSED:
            return None if standing.status == Status.PAUSED else "no longer paused"
        case Notification.PLAN_CHANGED | Notification.MOVED_TO_FREE_PLAN:
            same = due.plan in {None, standing.plan} and due.quantity in {None, standing.quantity}
            return None if same else "plan changed again"
        case Notification.PLAN_CHANGE_SCHEDULED:
            same = due.plan in {None, standing.planned_plan} and due.quantity in {None, standing.planned_quantity}
            return None if same else "plan stays or changes otherwise"
        case Notification.CANCELLATION_SCHEDULED:
            return None if standing.is_ending else "cancellation was undone"
        case Notification.CARD_EXPIRING:
            return _card(due, standing)
        case _:
            return None


def _trial(due: NotificationDue, standing: Standing, now: datetime) -> str | None:
    if standing.status != Status.TRIALING:
        return "no longer in trial"
    if due.trial_ends_at and standing.trial_ends_at and due.trial_ends_at != standing.trial_ends_at:
        return "trial ends at another time"
    if due.trial_ends_at and due.trial_ends_at <= now:
        return "trial is over"
    if due.kind is Notification.TRIAL_ENDING and standing.is_ending:
        return "cancellation is scheduled"
    return None


def _invoice(due: NotificationDue, standing: Standing) -> str | None:
    if standing.open_invoice_id is None:
        return "invoice is no longer open"
    if _subject(due) != standing.open_invoice_id:
        return "another invoice is open"
    if due.kind is Notification.ACTION_REQUIRED:
        return None if standing.action_required else "nothing to confirm"
    return "subscription is active" if standing.status == Status.ACTIVE else None


def _card(due: NotificationDue, standing: Standing) -> str | None:
    if standing.is_ending:
        return "cancellation is scheduled"
    announced = (due.card_last4, due.card_exp_month, due.card_exp_year)
    on_file = (standing.card_last4, standing.card_exp_month, standing.card_exp_year)
    expiry = card_expires_at(Card(_subject(due), standing.card_exp_month, standing.card_exp_year))
    same = announced == on_file and expiry is not None and due.occasion.split("/")[1:2] == [f"{expiry:%Y-%m}"]
    return None if same else "another card is on file"


def _subject(due: NotificationDue) -> str:
    """The Stripe id that an occasion begins with: an invoice's or a card's (see `lifecycle.letters`)."""
    return due.occasion.partition("/")[0]
