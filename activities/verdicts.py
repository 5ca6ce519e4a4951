"""What the payment of a change came to that Stripe grants only when it is paid.

https://docs.stripe.com/billing/subscriptions/pending-updates
"""

import stripe

from activities.gateway import Stripe
from activities.open_payment import payment_intent_of, why_declined
from activities.orders import Changed
from activities.plans_ahead import id_of
from activities.voiding import void
from lifecycle.refusals import RefusalCode


async def verdict_on(stripe_client: Stripe, operation_id: str, waiting: stripe.Subscription) -> Changed:
    """Confirmed at the bank, or still to be; declined, its invoice is voided.

    So nothing is left open that the customer was told had failed.
    """
    invoice_id = id_of(waiting.latest_invoice) or ""
    intent = await payment_intent_of(stripe_client, invoice_id)
    if intent is not None and intent.status == "requires_action":
        return Changed(action_required=True)
    if intent is not None and intent.status == "processing":
        return Changed()
    if await void(stripe_client, operation_id, invoice_id):
        return Changed()
    code = why_declined(intent)
    return Changed(declined=code) if code else Changed(refused=RefusalCode.PAYMENT_METHOD_REQUIRED)


def operation_of(metadata: stripe.StripeObject | None) -> str | None:
    """Our operation that made a thing at Stripe, by its metadata."""
    return metadata.to_dict().get("operation_id") if metadata else None
