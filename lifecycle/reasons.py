"""Why a decision was taken: the inputs of its rule and what it did to access, as the timeline keeps them.

Ids, amounts in minor units, counts and moments only; a line explains itself when the workflow is long gone.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from lifecycle.access import Access, Standing, access_at
from lifecycle.expiring_cards import card_expires_at
from lifecycle.facts import Invoice
from lifecycle.moves import Move
from lifecycle.plans import Terms
from lifecycle.subscription import Subscription

Inputs = Mapping[str, object]


def reasons(name: str, before: Subscription, after: Subscription, at: datetime) -> dict[str, str]:
    """What the line ``name`` is about: the same three things for each, and the inputs of its own rule."""
    invoice = after.invoice or (before.invoice if name in _ABOUT_THE_LAST_INVOICE else None)
    about: dict[str, object] = {
        "subscription": after.stripe_subscription_id,
        "invoice": invoice.id if invoice else None,
        "plan": _offer(after.terms),
        "quantity": after.seats if after.seats != 1 else None,
        **_INPUTS.get(name, _nothing)(before, after),
        **_access(before, after, at),
    }
    return {key: _shown(value) for key, value in about.items() if value is not None}


def standing_of(subscription: Subscription) -> Standing:
    """What access depends on, as the workflow knows it."""
    return Standing(
        status=subscription.status,
        trial_ends_at=subscription.trial_ends_at,
        current_period_ends_at=subscription.period_ends_at,
        cancel_at_period_end=subscription.cancel_at_period_end,
        cancel_at=subscription.cancel_at,
        grace_ends_at=subscription.grace_ends_at,
        is_suspended=subscription.is_suspended,
        is_free=subscription.terms is not None and subscription.terms.is_free,
    )


def _access(before: Subscription, after: Subscription, at: datetime) -> Inputs:
    """Told when the answer or its reason is another than before."""
    was, now = access_at(standing_of(before), at), access_at(standing_of(after), at)
    if (was.granted, was.reason) == (now.granted, now.reason):
        return {}
    return {"access_before": _answer(was), "access_after": _answer(now), "access_until": now.until}


def _answer(access: Access) -> str:
    return f"{'granted' if access.granted else 'none'} ({access.reason})"


def _nothing(before: Subscription, after: Subscription) -> Inputs:
    return {}


def _priced(before: Subscription, after: Subscription) -> Inputs:
    terms = after.terms
    return {
        "amount": _total(after),
        "period_ends_at": after.period_ends_at,
        "trial_ends_at": after.trial_ends_at if after.status.value == "trialing" else None,
        "policy": terms.policy.version if terms else None,
    }


def _tried(invoice: Invoice | None) -> Inputs:
    if invoice is None:
        return {}
    return {
        "amount": _money(invoice.amount, invoice.currency),
        "attempts": invoice.attempts,
        "next_attempt_at": invoice.next_attempt_at,
    }


def _patience(late: Subscription) -> Inputs:
    policy = late.terms.policy if late.terms else None
    return {
        "past_due_since": late.past_due_since,
        "grace_days": policy.grace_days if policy else None,
        "grace_ends_at": late.grace_ends_at,
        "max_payment_attempts": policy.max_payment_attempts if policy else None,
    }


def _failed(before: Subscription, after: Subscription) -> Inputs:
    asked = "yes" if after.invoice and after.invoice.action_required else None
    return {**_tried(after.invoice), **_patience(after), "action_required": asked}


def _recovered(before: Subscription, after: Subscription) -> Inputs:
    return {**_tried(before.invoice), "next_attempt_at": None, "past_due_since": before.past_due_since}


def _gave_up(before: Subscription, after: Subscription) -> Inputs:
    late = before.past_due_since
    return {**_tried(before.invoice), "next_attempt_at": None, **_patience(before), "past_due_since": late}


def _leaves(before: Subscription, after: Subscription) -> Inputs:
    return {"cancel_at": after.cancel_at, "ended_at": after.ended_at, "reason": after.cancel_reason}


def _changed(before: Subscription, after: Subscription) -> Inputs:
    seats = {"previous_quantity": before.seats, "quantity": after.seats} if before.seats != after.seats else {}
    return {
        "previous_plan": _offer(before.terms),
        "previous_amount": _total(before),
        "amount": _total(after),
        **seats,
    }


def _planned(before: Subscription, after: Subscription) -> Inputs:
    planned = after.planned or before.planned
    if planned is None:
        return {}
    return {
        "planned_plan": _offer(planned.terms),
        "planned_quantity": planned.quantity if planned.quantity != 1 or after.seats != 1 else None,
        "planned_at": planned.at,
        "awaits_payment": planned.invoice_id if planned.awaits_payment else None,
    }


def _expiring(before: Subscription, after: Subscription) -> Inputs:
    return {
        "card": after.card.id if after.card else None,
        "card_expires_at": card_expires_at(after.card),
        "next_charge_at": after.period_ends_at,
        "card_reminder_days": after.terms.policy.card_reminder_days if after.terms else None,
    }


def _met(before: Subscription, after: Subscription) -> Inputs:
    return {**_priced(before, after), **_tried(after.invoice), **(_patience(after) if after.past_due_since else {})}


_ABOUT_THE_LAST_INVOICE = {Move.PAYMENT_RECOVERED, Move.INVOICE_FORGIVEN, Move.GAVE_UP}

_INPUTS: Mapping[str, Callable[[Subscription, Subscription], Inputs]] = {
    Move.TRIAL_STARTED: _priced,
    Move.SUBSCRIBED: _priced,
    Move.FIRST_PAYMENT_RECEIVED: _priced,
    Move.TRIAL_CONVERTED: _priced,
    Move.TRIAL_EXTENDED: _priced,
    Move.TRIAL_SHORTENED: _priced,
    Move.TRIAL_PAUSED_WITHOUT_CARD: _priced,
    Move.CARD_ADDED: _priced,
    Move.MOVED_TO_FREE_PLAN: _changed,
    Move.RENEWED: _priced,
    Move.RESUMED: _priced,
    Move.PAYMENT_FAILED: _failed,
    Move.PAYMENT_FAILED_AGAIN: _failed,
    Move.PAYMENT_RECOVERED: _recovered,
    Move.INVOICE_FORGIVEN: _recovered,
    Move.GAVE_UP: _gave_up,
    Move.LEFT_UNPAID: _gave_up,
    Move.PLAN_CHANGED: _changed,
    Move.PLAN_CHANGE_PLANNED: _planned,
    Move.PLAN_CHANGE_DROPPED: _planned,
    Move.CANCELLATION_SCHEDULED: _leaves,
    Move.CANCELED: _leaves,
    Move.TRIAL_ENDED_WITHOUT_CARD: _leaves,
    "trial_ending": _priced,
    "card_expiring": _expiring,
    "imported": _met,
    "adopted": _met,
    "recovered": _met,
}


def _offer(terms: Terms | None) -> str | None:
    return f"{terms.plan} per {terms.interval}" if terms else None


def _total(subscription: Subscription) -> str | None:
    """For all seats."""
    terms, total = subscription.terms, subscription.total
    return _money(total, terms.currency) if terms and total is not None else None


def _money(amount: int, currency: str) -> str:
    """Minor units, as everywhere: ``1000 usd``."""
    return f"{amount} {currency}"


def _shown(value: object) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
