"""Which letters follow from a move, and what each one says."""

from dataclasses import replace

from lifecycle.causes import failed_again
from lifecycle.facts import Facts
from lifecycle.moves import Move
from lifecycle.notifications import Notification, NotificationDue
from lifecycle.pricing import TaxBehavior
from lifecycle.subscription import Subscription

_SECOND = "%Y-%m-%dT%H:%M:%SZ"
_LETTER_FOR = {
    Move.TRIAL_STARTED: Notification.WELCOME,
    Move.SUBSCRIBED: Notification.WELCOME,
    Move.FIRST_PAYMENT_RECEIVED: Notification.WELCOME,
    Move.TRIAL_EXTENDED: Notification.TRIAL_EXTENDED,
    Move.TRIAL_PAUSED_WITHOUT_CARD: Notification.TRIAL_PAUSED,
    Move.MOVED_TO_FREE_PLAN: Notification.MOVED_TO_FREE_PLAN,
    Move.PAYMENT_FAILED: Notification.PAYMENT_FAILED,
    Move.PAYMENT_FAILED_AGAIN: Notification.PAYMENT_FAILED,
    Move.PAYMENT_RECOVERED: Notification.PAYMENT_RECOVERED,
    Move.PLAN_CHANGED: Notification.PLAN_CHANGED,
    Move.CANCELLATION_SCHEDULED: Notification.CANCELLATION_SCHEDULED,
    Move.CANCELED: Notification.CANCELED,
    Move.TRIAL_ENDED_WITHOUT_CARD: Notification.CANCELED,
    Move.GAVE_UP: Notification.CANCELED,
}


_ABOUT_INVOICES = {Notification.PAYMENT_FAILED, Notification.ACTION_REQUIRED, Notification.PAYMENT_RECOVERED}
"""Their amount is an invoice's, with whatever tax there is."""


def letters_due(before: Subscription, after: Subscription, moves: list[Move]) -> list[NotificationDue]:
    """The letters that a change calls for; saving the same change again names the same occasions."""
    return [letter(kind, before, after) for kind in _kinds(after, moves)]


def letter(kind: Notification, before: Subscription, after: Subscription) -> NotificationDue:
    """One letter about the state ``after``; the occasion says what it is about, once and for all."""
    return _described(kind, _occasion(kind, before, after), before, after)


def trial_refused(trial: Facts) -> NotificationDue:
    """About a trial that was ended because its card has had one before."""
    return NotificationDue(
        Notification.TRIAL_REFUSED, trial.subscription_id, plan=trial.terms.plan if trial.terms else None
    )


def _kinds(after: Subscription, moves: list[Move]) -> list[Notification]:
    kinds = [_LETTER_FOR[move] for move in moves if move in _LETTER_FOR]
    if Move.PLAN_CHANGE_PLANNED in moves and after.planned and not after.planned.awaits_payment:
        kinds.append(Notification.PLAN_CHANGE_SCHEDULED)
    if after.fallback and Notification.CANCELED in kinds:
        kinds.remove(Notification.CANCELED)  # the free plan that follows has a letter of its own
    if Notification.PAYMENT_FAILED in kinds and after.invoice and after.invoice.action_required:
        kinds[kinds.index(Notification.PAYMENT_FAILED)] = Notification.ACTION_REQUIRED
    return kinds


def _occasion(kind: Notification, before: Subscription, after: Subscription) -> str:
    subscription = after.stripe_subscription_id or (f"{after.started_at:{_SECOND}}" if after.started_at else "")
    match kind:
        case Notification.WELCOME | Notification.CANCELED | Notification.MOVED_TO_FREE_PLAN:
            return subscription
        case Notification.TRIAL_PAUSED:
            return subscription
        case Notification.TRIAL_ENDING | Notification.TRIAL_EXTENDED if after.trial_ends_at:
            return f"{subscription}/{after.trial_ends_at:{_SECOND}}"
        case Notification.PAYMENT_FAILED | Notification.ACTION_REQUIRED if after.invoice:
            tried = f"{after.invoice.id}/{after.invoice.attempts}"
            return f"{tried}/{after.seq}" if _is_uncounted(before, after) else tried
        case Notification.CARD_EXPIRING if after.card_reminded_for:
            return after.card_reminded_for
        case _:
            return f"{subscription}/{after.seq}"


def _is_uncounted(before: Subscription, after: Subscription) -> bool:
    """It was late before, and what failed since was a card of the customer's own choice, which no number tells."""
    return before.past_due_since is not None and not failed_again(before.invoice, after.invoice)


def _described(kind: Notification, occasion: str, before: Subscription, after: Subscription) -> NotificationDue:
    if kind is Notification.PLAN_CHANGE_SCHEDULED and after.planned:
        then = after.planned
        before, after = after, replace(after, terms=then.terms, quantity=then.quantity, period_ends_at=then.at)
    terms = after.terms
    amount, currency = _amount(kind, before, after)
    names_price = kind not in _ABOUT_INVOICES
    previous_quantity = before.seats if before.terms and before.seats != after.seats else None
    return NotificationDue(
        kind=kind,
        occasion=occasion,
        plan=terms.plan if terms else None,
        previous_plan=before.terms.plan if before.terms and terms and not terms.is_same_offer(before.terms) else None,
        interval=terms.interval if terms else None,
        amount=amount,
        currency=currency,
        trial_ends_at=after.trial_ends_at,
        access_until=after.ended_at or after.cancel_at,
        next_charge_at=None if after.is_canceling or after.is_free else after.period_ends_at,
        next_attempt_at=after.invoice.next_attempt_at if after.invoice else None,
        grace_ends_at=None if after.left_unpaid_at else after.grace_ends_at,
        needs_new_card=True if after.invoice and after.invoice.needs_new_card else None,
        refunded=after.refunded_on_cancel,
        quantity=after.seats if after.seats > 1 or previous_quantity else None,
        previous_quantity=previous_quantity,
        plus_tax=True if names_price and terms and terms.tax is TaxBehavior.EXCLUSIVE else None,
        before_discounts=True if names_price and after.has_discount else None,
    )


def _amount(kind: Notification, before: Subscription, after: Subscription) -> tuple[int | None, str | None]:
    """What the letter is about: the open invoice, the one that was just paid, or the price of all seats of the plan."""
    invoice = {
        Notification.PAYMENT_FAILED: after.invoice,
        Notification.ACTION_REQUIRED: after.invoice,
        Notification.PAYMENT_RECOVERED: before.invoice,
    }.get(kind)
    if invoice:
        return invoice.amount, invoice.currency
    return (after.total, after.terms.currency) if after.terms else (None, None)
