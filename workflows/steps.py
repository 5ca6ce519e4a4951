"""Every step a workflow can take outside itself: one function per activity, with its time limits and patience."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as TookTooLong

with workflow.unsafe.imports_passed_through():
    from activities.abandoned_checkouts import AbandonedCheckouts, ExpiredPage
    from activities.collecting import Collecting
    from activities.conversions import Conversions
    from activities.disputes import Disputes
    from activities.emails import Emails
    from activities.forgetting import ForgetOrder, Forgetting
    from activities.new_cards import NewCards
    from activities.orders import (
        Beginning,
        Canceled,
        CancelOrder,
        CardOrder,
        CardUsed,
        Changed,
        ChangeOrder,
        CollectOrder,
        ConvertOrder,
        LeaveOrder,
        Look,
        ResumeOrder,
        Saved,
        Saving,
        Subscribed,
        SubscribeOrder,
        SupersededOrder,
        TakeBackOrder,
        TakenBack,
        TrialEndOrder,
    )
    from activities.paid_periods import PaidPeriods
    from activities.payments import Payments
    from activities.plan_changes import PlanChanges
    from activities.pulse import DEAD_AFTER
    from activities.records import Records
    from activities.refund_orders import PaymentWish, Refunded, RefundOrder
    from activities.refunds import Refunds
    from activities.second_subscriptions import SecondSubscriptions
    from activities.sign_up import SignUp
    from lifecycle.abandoned_checkouts import AbandonedCheckout
    from lifecycle.disputes import Dispute
    from lifecycle.facts import Facts
    from lifecycle.leaving import PeriodPayment
    from lifecycle.refunds import Refund, Refundable

_PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
"""For as long as it takes: whatever is away comes back, and nothing may be lost meanwhile."""

_UNTIL_REFUSED = replace(_PATIENT, non_retryable_error_types=["StripeRefused"])
_UNTIL_READ = replace(_PATIENT, non_retryable_error_types=["Unreadable"])
_UNTIL_CONFLICT = replace(_PATIENT, non_retryable_error_types=["IntegrityError"])
_ONCE_MORE = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_attempts=2, non_retryable_error_types=["IntegrityError"]
)
_A_FEW_TIMES = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3)

_FAILED = (ActivityError, ApplicationError, TookTooLong)
"""A local activity that fails may raise its cause bare, not wrapped as an activity's error."""

_ONE_CALL = timedelta(seconds=30)
_SEVERAL_CALLS = timedelta(minutes=2)
_ONE_TRANSACTION = timedelta(seconds=15)

_WRITE: dict[str, Any] = {
    "start_to_close_timeout": _SEVERAL_CALLS,
    "heartbeat_timeout": DEAD_AFTER,
    "retry_policy": _UNTIL_REFUSED,
}
"""Limits of an effect in Stripe: for as long as it takes, unless Stripe says no."""


async def begin(user_id: str) -> Beginning:
    """What outlived the user's earlier lives."""
    return await workflow.execute_activity_method(
        Records.begin,
        user_id,
        start_to_close_timeout=_ONE_TRANSACTION,
        heartbeat_timeout=DEAD_AFTER,
        retry_policy=_PATIENT,
        summary="what is known of this user",
    )


async def fetch(look: Look) -> Facts | None:
    """The present, from Stripe; None when Stripe knows no such subscription.

    Fails (``Unreadable``) only when Stripe says what this release does not know.
    """
    return await workflow.execute_activity_method(
        Payments.fetch,
        look,
        start_to_close_timeout=_SEVERAL_CALLS,
        heartbeat_timeout=DEAD_AFTER,
        retry_policy=_UNTIL_READ,
        summary=f"look at {look.subscription_id}",
    )


async def fetch_dispute(dispute_id: str) -> Dispute | None:
    """The present of a disputed payment; None when Stripe knows no such dispute."""
    return await workflow.execute_activity_method(
        Disputes.fetch,
        dispute_id,
        start_to_close_timeout=_ONE_CALL,
        heartbeat_timeout=DEAD_AFTER,
        retry_policy=_PATIENT,
        summary=f"look at {dispute_id}",
    )


async def fetch_refunds(refund_id: str) -> list[Refund]:
    """The refunds of a charge, oldest first; named by the charge or by one of them."""
    return await workflow.execute_activity_method(
        Refunds.fetch,
        refund_id,
        start_to_close_timeout=_ONE_CALL,
        heartbeat_timeout=DEAD_AFTER,
        retry_policy=_PATIENT,
        summary=f"look at {refund_id}",
    )


async def fetch_abandoned_checkout(user_id: str, session_id: str) -> AbandonedCheckout | None:
    """The Checkout page that expired, when its user is to be reminded of it."""
    return await workflow.execute_activity_method(
        AbandonedCheckouts.abandoned,
        ExpiredPage(user_id, session_id),
        start_to_close_timeout=_SEVERAL_CALLS,
        heartbeat_timeout=DEAD_AFTER,
        retry_policy=_PATIENT,
        summary=f"look at {session_id}",
    )


async def find_payment(wish: PaymentWish) -> Refundable:
    """What there is to refund; fixed before anything is given back."""
    return await workflow.execute_activity_method(
        Refunds.find,
        wish,
        **_WRITE,
        summary=f"look at {wish.invoice_id or 'the last payment'}",
    )


async def payments_of_period(subscription_id: str) -> list[PeriodPayment]:
    """What was paid for the period that runs; fixed before it ends."""
    return await workflow.execute_activity_method(
        PaidPeriods.of_period,
        subscription_id,
        **_WRITE,
        summary="look at what was paid for this period",
    )


async def refund(order: RefundOrder) -> Refunded:
    """Give money back in Stripe."""
    return await workflow.execute_activity_method(
        Refunds.give,
        order,
        **_WRITE,
        summary=f"refund {order.amount} of {order.charge_id}",
    )


async def end_in_stripe(order: ForgetOrder) -> None:
    """Nothing more is charged, and the person is gone from Stripe."""
    await workflow.execute_activity_method(
        Forgetting.end_in_stripe,
        order,
        **_WRITE,
        summary="end everything in Stripe",
    )


async def anonymise(user_id: str) -> None:
    """Nothing personal is left in PostgreSQL."""
    await workflow.execute_activity_method(
        Forgetting.anonymise,
        user_id,
        start_to_close_timeout=_ONE_TRANSACTION,
        heartbeat_timeout=DEAD_AFTER,
        retry_policy=_PATIENT,
        summary="forget this user",
    )


class Conflict(Exception):
    """PostgreSQL says that this Stripe customer or subscription is another user's."""


async def save(saving: Saving) -> Saved:
    """Write a decision down: within the workflow task while PostgreSQL answers, else as an activity that waits for it.

    The first way costs one event of history instead of six. Raises `Conflict`.
    """
    try:
        return await workflow.execute_local_activity_method(
            Records.save,
            saving,
            start_to_close_timeout=timedelta(seconds=3),
            schedule_to_close_timeout=timedelta(seconds=5),
            retry_policy=_ONCE_MORE,
            summary=f"save step {saving.subscription.seq}",
        )
    except _FAILED as error:
        if _is_conflict(error):
            raise Conflict from error
    return await _save_patiently(saving)


async def _save_patiently(saving: Saving) -> Saved:
    try:
        return await workflow.execute_activity_method(
            Records.save,
            saving,
            start_to_close_timeout=_ONE_TRANSACTION,
            heartbeat_timeout=DEAD_AFTER,
            retry_policy=_UNTIL_CONFLICT,
            summary=f"save step {saving.subscription.seq}",
        )
    except ActivityError as error:
        if _is_conflict(error):
            raise Conflict from error
        raise


def _is_conflict(error: BaseException) -> bool:
    """The failure of a local activity comes bare, that of an activity wrapped."""
    failure = error.cause if isinstance(error, ActivityError) else error
    return isinstance(failure, ApplicationError) and failure.type == "IntegrityError"


async def subscribe(order: SubscribeOrder) -> Subscribed:
    """Begin the subscription in Stripe."""
    return await workflow.execute_activity_method(
        SignUp.subscribe,
        order,
        **_WRITE,
        summary=f"subscribe to {order.terms.lookup_key}",
    )


async def has_card(user_id: str) -> bool:
    """Whether Stripe has something of this user's to charge."""
    return await workflow.execute_activity_method(
        SignUp.has_card,
        user_id,
        start_to_close_timeout=_ONE_CALL,
        heartbeat_timeout=DEAD_AFTER,
        retry_policy=_PATIENT,
        summary="look for a card",
    )


async def give_up_waiting(order: LeaveOrder) -> str | None:
    """End first payments that wait for the bank; the subscription that was paid all the same."""
    return await workflow.execute_activity_method(
        SignUp.give_up_waiting,
        order,
        **_WRITE,
        summary="leave no payment waiting",
    )


async def end_incomplete(operation_id: str, subscription_id: str) -> None:
    """A first payment that nobody is there to confirm, or that was declined: nothing may be left to pay."""
    await cancel(CancelOrder(operation_id, subscription_id, at_period_end=False))


async def convert(order: ConvertOrder) -> Changed:
    """End a trial or a pause in Stripe, and charge."""
    return await workflow.execute_activity_method(
        Conversions.convert,
        order,
        **_WRITE,
        summary="go on after the pause" if order.is_paused else "end the trial and charge",
    )


async def move_trial_end(order: TrialEndOrder) -> None:
    """Set the end of a trial in Stripe."""
    await workflow.execute_activity_method(
        Conversions.move_trial_end,
        order,
        **_WRITE,
        summary=f"let the trial end {order.ends_at:%Y-%m-%d %H:%M} UTC" if order.ends_at else "end the trial",
    )


async def change_plan(order: ChangeOrder) -> Changed:
    """Swap the price in Stripe."""
    return await workflow.execute_activity_method(
        PlanChanges.change_plan,
        order,
        **_WRITE,
        summary=f"change to {order.terms.lookup_key}",
    )


async def drop_superseded(order: SupersededOrder) -> None:
    """Release the schedule of a change that an upgrade has taken the place of."""
    await workflow.execute_activity_method(
        PlanChanges.drop_superseded,
        order,
        **_WRITE,
        summary="drop what was planned before the upgrade",
    )


async def cancel(order: CancelOrder) -> Canceled:
    """End the subscription in Stripe."""
    return await workflow.execute_activity_method(
        Payments.cancel,
        order,
        **_WRITE,
        summary="cancel when the period is over" if order.at_period_end else "cancel now",
    )


async def stop_collecting(order: CollectOrder) -> bool:
    """Let Stripe try no more; False when it was paid meanwhile."""
    return await workflow.execute_activity_method(
        Collecting.stop,
        order,
        **_WRITE,
        summary="stop collecting",
    )


async def collect_again(order: CollectOrder) -> None:
    """Let Stripe collect what comes next."""
    await workflow.execute_activity_method(
        Collecting.again,
        order,
        **_WRITE,
        summary="collect again",
    )


async def take_back(order: TakeBackOrder) -> TakenBack:
    """End a second subscription and give back what was paid for it."""
    return await workflow.execute_activity_method(
        SecondSubscriptions.take_back,
        order,
        **_WRITE,
        summary=f"take back {order.subscription_id}",
    )


async def use_card(order: CardOrder) -> CardUsed:
    """Put a new card to use in Stripe, and pay what is open."""
    return await workflow.execute_activity_method(
        NewCards.use_card,
        order,
        **_WRITE,
        summary=f"use {order.payment_method}",
    )


async def resume(order: ResumeOrder) -> None:
    """Undo a scheduled cancellation in Stripe."""
    await workflow.execute_activity_method(
        Payments.resume,
        order,
        **_WRITE,
        summary="undo the cancellation",
    )


async def send(notification_ids: Sequence[str]) -> None:
    """Send letters at once; what cannot be sent now stays in the table for the sweep."""
    try:
        await workflow.execute_activity_method(
            Emails.send,
            [UUID(notification_id) for notification_id in notification_ids],
            start_to_close_timeout=_ONE_CALL,
            heartbeat_timeout=DEAD_AFTER,
            schedule_to_close_timeout=timedelta(minutes=1),
            retry_policy=_A_FEW_TIMES,
            summary="send letters",
        )
    except ActivityError:
        workflow.logger.warning("letters wait for the sweep", extra={"notification_ids": list(notification_ids)})
