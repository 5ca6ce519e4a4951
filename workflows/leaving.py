"""A cancellation at once in a period that is paid: what goes back is fixed first, then it ends, then money goes back.

See decision 21: ended first, a refund that is refused leaves nobody subscribed by mistake, and a crash in between is
gone on from in the history.
"""

from dataclasses import replace

from temporalio.exceptions import ActivityError

from activities.refund_orders import RefundOrder
from lifecycle.intents import Outcome, RefundReason, Request
from lifecycle.leaving import PeriodPayment, Share, shares_due, why_nothing
from lifecycle.policy import Policy
from lifecycle.refunds import WHY_NOT, after_refund
from lifecycle.refusals import RefusalCode
from workflows import effects, steps
from workflows.effects import RefusedByStripe, sorted_out
from workflows.life import Life


async def leave(life: Life, request: Request, policy: Policy) -> Outcome:
    """End it and give back what the policy says. Raises `RefusedByStripe` when it cannot be ended; then nothing is
    given back. When a refund is refused the end stands, and a person is told."""
    payments = await _payments_of_period(life)
    disputes = life.subscription.disputes
    shares = shares_due(policy, payments, disputes, life.clock.now())
    outcome, _ = await effects.carry_out(request, life.subscription, life.clock.now())
    refused = [await _why_refused(life, request.operation_id, share) for share in shares]
    given = sum(share.amount for share, why in zip(shares, refused, strict=True) if why is None)
    life.subscription = replace(life.subscription, refunded_on_cancel=given or None)
    if any(refused):
        life.flag(f"canceled, but {'; '.join(filter(None, refused))}: give it back some other way")
    if not shares:
        rule, why = f"refund_on_cancel = {policy.refund_on_cancel}", why_nothing(payments, disputes)
        life.note("nothing_refunded", "intent", request.operation_id, rule=rule, why=why)
    return outcome


async def _payments_of_period(life: Life) -> list[PeriodPayment]:
    """None when Stripe will not tell: nobody is kept from leaving for that."""
    try:
        return await steps.payments_of_period(life.subscription.stripe_subscription_id or "")
    except ActivityError as error:
        failure = sorted_out(error)
        if not isinstance(failure, RefusedByStripe):
            raise failure from error
        life.flag(f"what was paid for the last period could not be read, so nothing was refunded: {failure}")
        return []


async def _why_refused(life: Life, operation_id: str, share: Share) -> str | None:
    """Give it back and note it; None when that was done, else what an operator should know."""
    user_id, reason = life.subscription.user_id, RefundReason.REQUESTED_BY_CUSTOMER
    order = RefundOrder(operation_id, user_id, share.charge_id, share.amount, reason, one_of_several=True)
    try:
        done = await steps.refund(order)
    except ActivityError as error:
        failure = sorted_out(error)
        if not isinstance(failure, RefusedByStripe):
            raise failure from error
        return _not_refunded(share, str(failure))
    if done.refused:
        return _not_refunded(share, WHY_NOT[RefusalCode(done.refused)])
    for refund in done.refunds:
        life.subscription, lines = after_refund(life.subscription, refund)
        rule = share.detail if refund.operation_id == operation_id else {}
        for line in lines:
            life.note(line.entry, *refund.cause_or("intent", operation_id), **line.detail | rule)
    return None


def _not_refunded(share: Share, why: str) -> str:
    return f"{share.amount} {share.currency} in minor units of {share.charge_id} could not be refunded ({why})"
