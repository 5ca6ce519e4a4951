"""The payment behind an open invoice: why it failed, or what it waits for."""

import stripe

from activities.gateway import Stripe, answers


async def payment_intent_of(stripe_client: Stripe, invoice_id: str) -> stripe.PaymentIntent | None:
    """The invoice's payment; since API version 2025-03-31.basil an invoice lists its payments instead of naming one.

    https://docs.stripe.com/api/invoice-payment
    """
    with answers():
        payments = await stripe_client.v1.invoice_payments.list_async(
            {"invoice": invoice_id, "expand": ["data.payment.payment_intent"], "limit": 1}
        )
    if not payments.data:
        return None
    intent = getattr(payments.data[0].payment, "payment_intent", None)
    return intent if isinstance(intent, stripe.PaymentIntent) else None


async def needs_action(stripe_client: Stripe, invoice_id: str) -> bool:
    """The bank wants the customer to confirm."""
    intent = await payment_intent_of(stripe_client, invoice_id)
    return intent is not None and intent.status == "requires_action"


def why_declined(intent: stripe.PaymentIntent | None) -> str | None:
    """The decline code of the last try, in Stripe's words; None when nothing was tried, as without a card."""
    error = intent.last_payment_error if intent else None
    return str(getattr(error, "decline_code", None) or error.code or "card_declined") if error else None


def decline_code(error: stripe.CardError) -> str:
    """Why the bank said no, in Stripe's words: https://docs.stripe.com/declines/codes"""
    details = error.error
    return str((details and (getattr(details, "decline_code", None) or details.code)) or "card_declined")
