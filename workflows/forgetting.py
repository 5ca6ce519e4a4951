"""Forgetting a user, by their own wish, by an operator's, or because the app has deleted them: Stripe first."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.forgetting import ForgetOrder
from lifecycle import cardless
from lifecycle.intents import Cancel, Outcome, Request, Result, Timing
from workflows import steps
from workflows.effects import RefusedByStripe, sorted_out
from workflows.life import NOT_DONE, Life

FORGOTTEN = "forgotten"


async def forget(life: Life, request: Request) -> None:
    """End everything in Stripe, see that it has ended, and only then forget here; answered when all is done.

    The letter about the end is sent before the address is forgotten. While Stripe is away the operation waits; if
    Stripe refuses, nothing is forgotten, and a person is told.
    """
    operation_id = request.operation_id
    user_id, customer_id = life.subscription.user_id, life.subscription.stripe_customer_id
    try:
        await _end_in_stripe(ForgetOrder(operation_id, user_id, customer_id))
    except RefusedByStripe as refusal:
        life.flag(str(refusal))
        failed = Outcome(Result.FAILED, "payment_provider_refused", NOT_DONE)
        await life.look("intent", operation_id, answer=(request, failed))
        return
    if life.subscription.is_cardless:
        over = cardless.cancel(life.subscription, Cancel(Timing.NOW), life.clock.now())
        await life.decide(*over, "intent", operation_id)
    else:
        await life.look("intent", operation_id)
    await workflow.wait_condition(lambda: not life.letters_under_way)
    await steps.anonymise(user_id)
    life.subscription = life.subscription.forgotten(life.clock.now())
    detail = {"customer": customer_id} if customer_id else {}
    line = life.entry(FORGOTTEN, "intent", operation_id, **detail)
    await life.save([line], answer=(request, Outcome(Result.DONE, FORGOTTEN)))


async def _end_in_stripe(order: ForgetOrder) -> None:
    try:
        await steps.end_in_stripe(order)
    except ActivityError as error:
        raise sorted_out(error) from error
