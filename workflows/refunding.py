"""Giving a payment back: which payment and how much is fixed first, so that a repeated step is the same refund."""

from temporalio.exceptions import ActivityError

from activities.refund_orders import PaymentWish, RefundOrder
from lifecycle.intents import Outcome, RefundPayment, Result
from lifecycle.refunds import WHY_NOT, after_refund, amount_to_refund
from lifecycle.refusals import Refusal, RefusalCode
from workflows import steps
from workflows.effects import sorted_out
from workflows.life import Life

REFUNDED = "refunded"


async def refund(life: Life, operation_id: str, intent: RefundPayment) -> Outcome:
    """Do it and note it; the subscription goes on. Raises `workflows.effects.RefusedByStripe`."""
    user_id, customer_id = life.subscription.user_id, life.subscription.stripe_customer_id
    if customer_id is None:
        return _refused(Refusal(RefusalCode.NOTHING_TO_REFUND, WHY_NOT[RefusalCode.NOTHING_TO_REFUND]))
    try:
        found = await steps.find_payment(PaymentWish(user_id, customer_id, intent.invoice_id))
        amount = amount_to_refund(found, intent.amount)
        order = RefundOrder(operation_id, user_id, found.charge_id or "", amount, intent.reason, intent.by)
        done = await steps.refund(order)
    except Refusal as refusal:
        return _refused(refusal)
    except ActivityError as error:
        raise sorted_out(error) from error
    if done.refused:
        return _refused(Refusal(RefusalCode(done.refused), WHY_NOT[RefusalCode(done.refused)]))
    for one in done.refunds:
        life.subscription, lines = after_refund(life.subscription, one)
        for line in lines:
            life.note(line.entry, *one.cause_or("intent", operation_id), **line.detail)
    return Outcome(Result.DONE, REFUNDED)


def _refused(refusal: Refusal) -> Outcome:
    return Outcome(Result.REFUSED, refusal.code, refusal.detail)
