"""What each intent does in Stripe, and what is answered: a decline and a refusal are values."""

from dataclasses import replace
from datetime import datetime

from temporalio.exceptions import ActivityError, ApplicationError

from activities.orders import (
    CancelOrder,
    CardOrder,
    CardUsed,
    Changed,
    ChangeOrder,
    CollectOrder,
    ConvertOrder,
    ResumeOrder,
    Subscribed,
    SubscribeOrder,
    SupersededOrder,
    TakeBackOrder,
    TakenBack,
    TrialEndOrder,
)
from lifecycle.intents import (
    Cancel,
    ChangePlan,
    Convert,
    MoveTrialEnd,
    Outcome,
    Request,
    Result,
    Resume,
    Subscribe,
    Timing,
)
from lifecycle.plan_changes import quantity_after, timing_of
from lifecycle.refusals import RefusalCode
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from workflows import steps


class RefusedByStripe(Exception):
    """Stripe said no to an effect for a reason that no customer can mend; the message is for operators."""


async def carry_out(request: Request, subscription: Subscription, now: datetime) -> tuple[Outcome, str | None]:
    """Do what was asked; answers the outcome, and the id of the subscription it began, if it began one.

    ``now`` is the customer's own time.
    Raises `RefusedByStripe`; everything else is retried for as long as it takes.
    """
    try:
        match request.intent:
            case Subscribe() as intent:
                return await _subscribe(request.operation_id, intent, subscription)
            case ChangePlan() as intent if subscription.is_cardless:
                return await _change_trial(request.operation_id, intent, subscription)
            case ChangePlan() as intent:
                return await _change_plan(request.operation_id, intent, subscription), None
            case Cancel() as intent:
                return await _cancel(request.operation_id, intent, subscription), None
            case Resume() if subscription.is_canceling:
                return await _resume(request.operation_id, subscription), None
            case Resume():
                return await _convert(request.operation_id, Convert(), subscription, now)
            case Convert() as intent:
                return await _convert(request.operation_id, intent, subscription, now)
            case MoveTrialEnd(ends_at=ends_at):
                own = subscription.stripe_subscription_id or ""
                await steps.move_trial_end(TrialEndOrder(request.operation_id, own, ends_at))
                return Outcome(Result.DONE), None
            case _:
                raise TypeError(f"{request.intent.kind} is an operator's and has a module of its own")
    except ActivityError as error:
        raise sorted_out(error) from error


async def give_up(subscription: Subscription) -> bool:
    """End an unpaid subscription and void what is open; False when it turned out to be paid after all.

    On one that has ended by itself only the open invoice is left to void. Raises `RefusedByStripe`.
    """
    invoice = subscription.invoice.id if subscription.invoice else None
    order = CancelOrder(
        operation_id=f"{subscription.stripe_subscription_id}/{invoice}/gave_up",
        subscription_id=subscription.stripe_subscription_id or "",
        at_period_end=False,
        open_invoice_id=invoice,
        unless_paid=True,
    )
    try:
        done = await steps.cancel(order)
    except ActivityError as error:
        raise sorted_out(error) from error
    return not done.paid_meanwhile


async def leave_unpaid(subscription: Subscription) -> bool:
    """Stop collecting; False when it turned out to be paid after all. Raises `RefusedByStripe`."""
    invoice = subscription.invoice.id if subscription.invoice else ""
    name = f"{subscription.stripe_subscription_id}/{invoice}/left_unpaid"
    try:
        return await steps.stop_collecting(CollectOrder(name, subscription.stripe_subscription_id or "", invoice))
    except ActivityError as error:
        raise sorted_out(error) from error


async def collect_again(subscription: Subscription) -> None:
    """Paid after all: collect what comes next. Raises `RefusedByStripe`."""
    since = subscription.left_unpaid_at
    name = f"{subscription.stripe_subscription_id}/{since:%Y-%m-%dT%H:%M:%S}/collect_again"
    try:
        await steps.collect_again(CollectOrder(name, subscription.stripe_subscription_id or ""))
    except ActivityError as error:
        raise sorted_out(error) from error


async def take_back(subscription: Subscription, second: str) -> TakenBack:
    """End a second subscription of this customer's; the first one stands. Raises `RefusedByStripe`."""
    order = TakeBackOrder(subscription.user_id, subscription.stripe_customer_id or "", second)
    try:
        return await steps.take_back(order)
    except ActivityError as error:
        raise sorted_out(error) from error


async def use_card(subscription: Subscription) -> CardUsed:
    """Put the card that the customer has chosen to use, and pay what is owed with it. Raises `RefusedByStripe`.

    Named for each choice, by what was saved last, so that Stripe does not answer who goes back to a card from memory.
    """
    is_paused = subscription.status is Status.PAUSED  # the customer decides whether to go on, and pays then
    card, owed = subscription.offered_card or "", None if is_paused else subscription.invoice
    invoice = owed.id if owed else None
    order = CardOrder(
        operation_id=f"{subscription.stripe_subscription_id}/{invoice or 'card'}/{card}/{subscription.seq}",
        customer_id=subscription.stripe_customer_id or "",
        subscription_id=subscription.stripe_subscription_id or "",
        payment_method=card,
        invoice_id=invoice,
    )
    try:
        return await steps.use_card(order)
    except ActivityError as error:
        raise sorted_out(error) from error


async def end_disputed(subscription: Subscription) -> None:
    """End a subscription whose payment the bank took back, void what is open. Raises `RefusedByStripe`."""
    order = CancelOrder(
        operation_id=f"{subscription.stripe_subscription_id}/{subscription.suspended_for}/disputed",
        subscription_id=subscription.stripe_subscription_id or "",
        at_period_end=False,
        open_invoice_id=subscription.invoice.id if subscription.invoice else None,
    )
    try:
        await steps.cancel(order)
    except ActivityError as error:
        raise sorted_out(error) from error


def sorted_out(error: ActivityError) -> Exception:
    """A failure that came back although everything else is retried: Stripe refused, or the workflow is canceled."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == "StripeRefused":
        return RefusedByStripe(f"Stripe refused: {cause.message}")
    return error


async def _subscribe(operation_id: str, intent: Subscribe, subscription: Subscription) -> tuple[Outcome, str | None]:
    offered = 0 if subscription.trial_used else intent.terms.trial_days
    done = await steps.subscribe(
        SubscribeOrder(
            operation_id=operation_id,
            user_id=subscription.user_id,
            terms=intent.terms,
            trial_days=offered if intent.trial_days is None else intent.trial_days,
            payment_method=intent.payment_method,
            promotion_code=intent.promotion_code,
            quantity=intent.quantity,
        )
    )
    if done.refused:
        return Outcome(Result.REFUSED, done.refused, _WHAT_TO_DO[RefusalCode(done.refused)]), None
    if done.declined and done.subscription_id:
        await steps.cancel(CancelOrder(operation_id, done.subscription_id, at_period_end=False))
    if done.declined:
        return Outcome(Result.DECLINED, done.declined, "The card was declined; try another one."), None
    return Outcome(Result.DONE), done.subscription_id


async def _change_plan(operation_id: str, intent: ChangePlan, subscription: Subscription) -> Outcome:
    seats = quantity_after(subscription, intent.terms, intent.quantity)
    done = await steps.change_plan(
        ChangeOrder(
            operation_id=operation_id,
            subscription_id=subscription.stripe_subscription_id or "",
            terms=intent.terms,
            timing=timing_of(
                subscription.status,
                subscription.terms,
                intent.terms,
                seats_before=subscription.seats,
                seats_after=seats,
            ),
            proration_date=intent.proration_date,
            payment_method=intent.payment_method,
            quantity=seats,
        )
    )
    return _when_paid(done, "the new plan is granted", "The difference could not be charged; the plan is unchanged.")


async def _change_trial(operation_id: str, intent: ChangePlan, trial: Subscription) -> tuple[Outcome, str | None]:
    """A trial that Stripe does not know of begins there with the new plan and the card, and ends when it would have.

    One that is over by now begins with its first payment.
    """
    seats = quantity_after(trial, intent.terms, intent.quantity)
    at_once = SubscribeOrder(
        f"{operation_id}/at_once", trial.user_id, intent.terms, 0, intent.payment_method, goes_on=True, quantity=seats
    )
    done = await steps.subscribe(replace(at_once, operation_id=operation_id, trial_ends_at=trial.trial_ends_at))
    if done.without_card:
        done = await steps.subscribe(at_once)
    if done.paid_before:
        detail = "The first payment has come in meanwhile, and the trial is over; ask for the change again."
        return Outcome(Result.REFUSED, RefusalCode.PREVIEW_STALE, detail), done.subscription_id
    return await _begun(operation_id, done, "the new plan is granted", "The card was declined; nothing has changed.")


async def _convert(
    operation_id: str, intent: Convert, subscription: Subscription, now: datetime
) -> tuple[Outcome, str | None]:
    """A trial or pause that Stripe does not know of begins there; one that it knows ends there.

    Until the bank has confirmed the payment, the trial or pause goes on.
    """
    if subscription.is_cardless:
        return await _begin_paying(operation_id, intent, subscription)
    done = await steps.convert(
        ConvertOrder(
            operation_id=operation_id,
            customer_id=subscription.stripe_customer_id or "",
            subscription_id=subscription.stripe_subscription_id or "",
            is_paused=subscription.status is Status.PAUSED,
            payment_method=intent.payment_method,
            open_invoice_id=subscription.invoice.id if subscription.invoice else None,
            now=now,
        )
    )
    return _when_paid(done, "the subscription goes on", "The card was declined; nothing has changed."), None


async def _begin_paying(operation_id: str, intent: Convert, trial: Subscription) -> tuple[Outcome, str | None]:
    if trial.terms is None:
        raise TypeError("a trial of ours has terms")
    order = SubscribeOrder(
        operation_id, trial.user_id, trial.terms, 0, intent.payment_method, goes_on=True, quantity=trial.seats
    )
    done = await steps.subscribe(order)
    return await _begun(operation_id, done, "the subscription goes on", "The card was declined; nothing has changed.")


async def _begun(operation_id: str, done: Subscribed, granted: str, declined: str) -> tuple[Outcome, str | None]:
    """What is told of a beginning in a trial or pause of ours, and the subscription that was begun."""
    if done.declined and done.subscription_id:
        await steps.end_incomplete(operation_id, done.subscription_id)
    outcome = _when_paid(Changed(done.declined, done.refused, done.action_required), granted, declined)
    return outcome, done.subscription_id if outcome.result is Result.DONE else None


def _when_paid(done: Changed, granted: str, declined: str) -> Outcome:
    """What is told of a change that stands when it is paid."""
    if done.refused:
        return Outcome(Result.REFUSED, done.refused, _WHAT_TO_DO[RefusalCode(done.refused)])
    if done.action_required:
        detail = f"The bank wants the customer to confirm; {granted} when that is done."
        return Outcome(Result.ACTION_REQUIRED, "authentication_required", detail)
    if done.declined:
        return Outcome(Result.DECLINED, done.declined, declined)
    return Outcome(Result.DONE)


async def _cancel(operation_id: str, intent: Cancel, subscription: Subscription) -> Outcome:
    """At once while a payment is open, so that nobody who leaves is charged again.

    Who asked for the end of the period and turns out to have paid meanwhile keeps the period.
    """
    at_period_end = intent.timing is Timing.PERIOD_END
    now = CancelOrder(
        operation_id=operation_id,
        subscription_id=subscription.stripe_subscription_id or "",
        at_period_end=False,
        reason=intent.reason,
        open_invoice_id=subscription.invoice.id if subscription.invoice else None,
        unless_paid=at_period_end,
    )
    later = replace(now, at_period_end=True, open_invoice_id=None, unless_paid=False)
    if (at_period_end and subscription.invoice is None) or (await steps.cancel(now)).paid_meanwhile:
        await steps.cancel(later)
    return Outcome(Result.DONE)


async def _resume(operation_id: str, subscription: Subscription) -> Outcome:
    await steps.resume(
        ResumeOrder(
            operation_id=operation_id,
            subscription_id=subscription.stripe_subscription_id or "",
            by_date=not subscription.cancel_at_period_end,
        )
    )
    return Outcome(Result.DONE)


async def drop_superseded(subscription_id: str, schedule_id: str) -> None:
    """Drop the change in whose place an upgrade was granted. Raises `RefusedByStripe`."""
    try:
        await steps.drop_superseded(SupersededOrder(f"{subscription_id}/superseded", schedule_id))
    except ActivityError as error:
        raise sorted_out(error) from error


async def end_now(subscription_id: str, why: str) -> None:
    """End a subscription for which nothing was paid: a free one, or a repeated trial. Raises `RefusedByStripe`."""
    try:
        await steps.cancel(CancelOrder(f"{subscription_id}/{why}", subscription_id, at_period_end=False))
    except ActivityError as error:
        raise sorted_out(error) from error


_WHAT_TO_DO = {
    RefusalCode.PREVIEW_STALE: "The subscription has changed since; ask for a new preview.",
    RefusalCode.TRIAL_ALREADY_USED: "This card has had a free trial; subscribe with trial_period_days 0.",
    RefusalCode.PAYMENT_METHOD_REQUIRED: "There is no trial and no card; pass a payment_method or use the checkout.",
    RefusalCode.PAYMENT_METHOD_INVALID: "This payment method cannot be used; pass another one or use the checkout.",
    RefusalCode.TAX_LOCATION_REQUIRED: "Tax is calculated by address, and there is none yet; the checkout asks for it.",
    RefusalCode.PROMOTION_CODE_INVALID: "This promotion code cannot be used; check how it is written, or leave it out.",
}
