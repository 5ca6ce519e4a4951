"""Moving a subscription to the rules of today: nothing is asked of Stripe, so it is done also while Stripe is away."""

from lifecycle.intents import MovePolicy, Outcome, Request, Result
from lifecycle.policy_moves import after_policy_move
from lifecycle.refusals import Refusal, check
from workflows.life import Life


async def move_policy(life: Life, request: Request, intent: MovePolicy) -> None:
    """Do it, write it down and answer; the main loop then waits for the deadlines that follow from the new rules."""
    try:
        check(life.subscription, intent)
    except Refusal as refusal:
        await life.save([], answer=(request, Outcome(Result.REFUSED, refusal.code, refusal.detail)))
        return
    life.subscription, line = after_policy_move(life.subscription, intent.policy, intent.by)
    entry = life.entry(line.entry, "intent", request.operation_id, **line.detail)
    await life.save([entry], answer=(request, Outcome(Result.DONE, line.entry)))
