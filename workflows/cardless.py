"""A trial without a card, which is ours alone: begun, changed and ended without Stripe, until there is a card."""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.orders import LeaveOrder, SubscribeOrder
from lifecycle import cardless
from lifecycle.cardless import Changed
from lifecycle.intents import Cancel, ChangePlan, MoveTrialEnd, Outcome, Request, Result, Resume, Subscribe, Timing
from lifecycle.plans import Terms
from lifecycle.refusals import Refusal, check
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from workflows import steps
from workflows.effects import RefusedByStripe, sorted_out
from workflows.life import Life

TOO_LATE = timedelta(minutes=1)
"""A card that comes so shortly before the end of the trial is found when the trial ends."""


async def carry_out(life: Life, request: Request) -> bool:
    """Do what needs no Stripe; False when the intent is not for us, or does not fit and is refused as ever."""
    try:
        check(life.subscription, request.intent)
    except Refusal:
        return False
    answer = (request, Outcome(Result.DONE))
    if isinstance(request.intent, Cancel) and await _was_paid_all_the_same(life, request.operation_id):
        return False
    if isinstance(request.intent, MoveTrialEnd) and request.intent.ends_at is None and life.subscription.is_cardless:
        await end_trial(life, "intent", request.operation_id, answer)
        return True
    changed = await _changed(life, request)
    if changed is None:
        return False
    await life.decide(*changed, "intent", request.operation_id, answer=answer)
    return True


async def _was_paid_all_the_same(life: Life, operation_id: str) -> bool:
    """Whoever leaves is not charged afterwards by a bank that still asks; what is paid already ends as any other."""
    if not (life.subscription.is_cardless and workflow.patched("leave-nothing-waiting")):
        return False
    try:
        paid = await steps.give_up_waiting(LeaveOrder(operation_id, life.subscription.user_id))
    except ActivityError as error:
        refusal = sorted_out(error)
        if not isinstance(refusal, RefusedByStripe):
            raise refusal from error
        life.flag(str(refusal))
        return False
    if paid:
        await life.look("intent", operation_id, begun=paid)
    return paid is not None


async def _changed(life: Life, request: Request) -> Changed | None:
    subscription, now = life.subscription, life.clock.now()
    match request.intent:
        case Subscribe() as intent if await _begins_here(life, intent):
            days = _trial_days(subscription, intent)
            return cardless.begin(subscription, intent.terms, days, now, intent.quantity)
        case Cancel() as intent if subscription.is_cardless:
            return cardless.cancel(subscription, intent, now)
        case Resume() if subscription.is_cardless and subscription.is_canceling:
            return cardless.resume(subscription)
        case ChangePlan(payment_method=str()) if subscription.is_cardless and workflow.patched(
            "another-plan-with-a-card"
        ):
            return None  # there is something to charge now, so it begins at Stripe
        case ChangePlan() as intent if subscription.is_cardless:
            return cardless.change_plan(subscription, intent.terms, intent.quantity)
        case MoveTrialEnd(ends_at=ends_at) if subscription.is_cardless and ends_at:
            return cardless.move_trial_end(subscription, ends_at)
    return None


async def _begins_here(life: Life, intent: Subscribe) -> bool:
    """Whoever has a card at Stripe already begins there."""
    if not cardless.may_begin(intent, _trial_days(life.subscription, intent)):
        return False
    return life.subscription.stripe_customer_id is None or not await steps.has_card(life.subscription.user_id)


def _trial_days(subscription: Subscription, intent: Subscribe) -> int:
    offered = 0 if subscription.trial_used else intent.terms.trial_days
    return offered if intent.trial_days is None else intent.trial_days


async def begin_at_stripe(life: Life) -> None:
    """A card may have come: the subscription begins at Stripe, and its trial ends when it would have ended."""
    life.card_may_have_come = False
    trial, ends = life.subscription, life.subscription.trial_ends_at
    if trial.status is not Status.TRIALING or trial.is_canceling or trial.terms is None or ends is None:
        return
    if ends - life.clock.now() < TOO_LATE:
        return
    begun = await _begun(life, replace(_order(trial, trial.terms, "card_added"), trial_ends_at=ends))
    if begun:
        await life.look("event", "a payment method", begun=begun)


async def end_trial(life: Life, cause: str, cause_id: str, answer: tuple[Request, Outcome] | None = None) -> None:
    """Charge the card if one has come after all, keep a plan that costs nothing, else do what the plan says."""
    trial = life.subscription
    if trial.terms and not trial.is_canceling:
        begun = await _begun(life, _order(trial, trial.terms, "converted"))
        begun = begun or await begin_free_plan(life, _free_plan_after(trial.terms))
        if begun:
            await life.look(cause, cause_id, begun=begun, answer=answer)
            return
    await life.decide(*cardless.end_trial(life.subscription, life.clock.now()), cause, cause_id, answer=answer)


def _free_plan_after(terms: Terms) -> Terms | None:
    """What goes on without a card: the plan itself when it costs nothing, else the one beneath it."""
    return terms if terms.is_free and workflow.patched("a-free-plan-outlasts-its-trial") else terms.fallback


async def end_suspended(life: Life) -> None:
    """The bank took a payment of an earlier life back: this trial is ours, and nothing comes after it."""
    over = cardless.cancel(life.subscription, Cancel(Timing.NOW), life.clock.now())
    await life.decide(*over, "event", life.subscription.suspended_for or "")


async def begin_free_plan(life: Life, free: Terms | None) -> str | None:
    """The subscription at Stripe to a plan that costs nothing, where there is one; None when Stripe refuses."""
    if free is None:
        return None
    return await _begun(life, replace(_order(life.subscription, free, "free"), only_with_card=False))


async def _begun(life: Life, order: SubscribeOrder) -> str | None:
    """The subscription that was begun; a first payment that fails or waits for the bank leaves none behind."""
    try:
        done = await steps.subscribe(order)
        if done.subscription_id and (done.declined or done.action_required):
            await steps.end_incomplete(order.operation_id, done.subscription_id)
            return None
    except ActivityError as error:
        refusal = sorted_out(error)
        if not isinstance(refusal, RefusedByStripe):
            raise refusal from error
        life.flag(str(refusal))
        return None
    return done.subscription_id


def _order(subscription: Subscription, terms: Terms, what: str) -> SubscribeOrder:
    """Named the same for each try, otherwise for each life; carried out only if there is a card."""
    name = f"{subscription.user_id}/{subscription.started_at:%Y-%m-%dT%H:%M:%SZ}/{what}"
    seats = min(subscription.seats, terms.max_quantity)
    return SubscribeOrder(name, subscription.user_id, terms, 0, only_with_card=True, goes_on=True, quantity=seats)
