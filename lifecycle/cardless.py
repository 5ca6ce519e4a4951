"""A trial that Stripe knows nothing of: there is no card, so there is nothing that could be charged.

Every rule that Stripe keeps for the other trials is kept here. When a card comes, the subscription begins at Stripe,
with the same end of the trial, and from then on Stripe is the truth. A plan whose trial ends in an invoice
(``create_invoice``) begins at Stripe at once, for invoices are Stripe's.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from lifecycle.intents import Cancel, Subscribe, Timing
from lifecycle.moves import Move
from lifecycle.plan_changes import quantity_after
from lifecycle.plans import Terms, TrialWithoutCard
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription

Changed = tuple[Subscription, list[Move]]


def may_begin(intent: Subscribe, trial_days: int) -> bool:
    """Whether a trial of so many days may begin without Stripe, if no card is on file."""
    is_ours = intent.terms.trial_without_card is not TrialWithoutCard.CREATE_INVOICE
    has_means = intent.payment_method or intent.promotion_code
    return intent.may_be_cardless and trial_days > 0 and is_ours and not has_means


def begin(
    subscription: Subscription, terms: Terms, trial_days: int, now: datetime, quantity: int | None = None
) -> Changed:
    """The trial begins; moments are whole seconds, as Stripe's will be."""
    now = now.replace(microsecond=0)
    ends = now + timedelta(days=trial_days)
    begun = replace(
        subscription,
        status=Status.TRIALING,
        terms=terms,
        quantity=quantity,
        trial_used=True,
        started_at=now,
        period_starts_at=now,
        period_ends_at=ends,
        trial_ends_at=ends,
        forgotten_at=None,
    )
    return begun, [Move.TRIAL_STARTED]


def end_trial(trial: Subscription, now: datetime) -> Changed:
    """The trial is over and no card has come: what the plan says, unless the customer was leaving anyway.

    Free plans are begun at Stripe and are not decided here.
    """
    if trial.is_canceling:
        return _over(trial, now), [Move.CANCELED]
    if trial.terms and trial.terms.trial_without_card is TrialWithoutCard.PAUSE:
        return replace(trial, status=Status.PAUSED), [Move.TRIAL_PAUSED_WITHOUT_CARD]
    return _over(trial, now), [Move.TRIAL_ENDED_WITHOUT_CARD]


def cancel(subscription: Subscription, intent: Cancel, now: datetime) -> Changed:
    """In a trial access stays to its end, unless it is to end now; a pause ends at once."""
    leaving = replace(subscription, cancel_reason=intent.reason)
    if intent.timing is Timing.NOW or subscription.status is Status.PAUSED:
        return _over(leaving, now), [Move.CANCELED]
    scheduled = replace(leaving, cancel_at_period_end=True, cancel_at=subscription.trial_ends_at)
    return scheduled, [Move.CANCELLATION_SCHEDULED]


def resume(trial: Subscription) -> Changed:
    """The trial goes on after all."""
    going_on = replace(trial, cancel_at_period_end=False, cancel_at=None, cancel_reason=None)
    return going_on, [Move.CANCELLATION_UNDONE]


def change_plan(trial: Subscription, terms: Terms, quantity: int | None = None) -> Changed:
    """Another plan or number of seats from now on; the trial ends when it would have ended."""
    return replace(trial, terms=terms, quantity=quantity_after(trial, terms, quantity)), [Move.PLAN_CHANGED]


def move_trial_end(trial: Subscription, ends_at: datetime) -> Changed:
    """Later or earlier; whoever was leaving at the end of the trial leaves at the new one."""
    before, ends_at = trial.trial_ends_at, ends_at.replace(microsecond=0)
    moved = replace(trial, trial_ends_at=ends_at, period_ends_at=ends_at, cancel_at=trial.cancel_at and ends_at)
    return moved, [Move.TRIAL_EXTENDED if before is None or ends_at > before else Move.TRIAL_SHORTENED]


def _over(subscription: Subscription, now: datetime) -> Subscription:
    now = now.replace(microsecond=0)
    return replace(subscription, status=Status.CANCELED, cancel_at_period_end=False, cancel_at=None, ended_at=now)
