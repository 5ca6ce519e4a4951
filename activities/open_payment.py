"""The payment behind an open invoice: why it failed, or what it waits for."""

from dataclasses import dataclass

import stripe

from activities.gateway import Stripe, answers

_ANOTHER_CARD = frozenset(
    (
        "expired_card", "highest_risk_level", "incorrect_number", "lost_card", "pickup_card",
        "revocation_of_all_authorizations", "revocation_of_authorization", "stolen_card", "transaction_not_allowed",
    )
)  # fmt: skip
"""Declines after which Stripe charges a card no more, and a card that is out of date.

https://docs.stripe.com/billing/revenue-recovery/smart-retries#hard-decline-codes
"""


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


@dataclass(frozen=True)
class OpenPayment:
    """What an open invoice waits for: the customer's word at the bank, or another card."""

    action_required: bool = False
    needs_new_card: bool = False


async def open_payment(stripe_client: Stripe, invoice_id: str) -> OpenPayment:
    """Why this invoice is still open."""
    intent = await payment_intent_of(stripe_client, invoice_id)
    if intent is None:
        return OpenPayment()
    return OpenPayment(intent.status == "requires_action", why_declined(intent) in _ANOTHER_CARD)


def why_declined(intent: stripe.PaymentIntent | None) -> str | None:
    """The decline code of the last try, in Stripe's words; None when nothing was tried, as without a card."""
    error = intent.last_payment_error if intent else None
    return str(getattr(error, "decline_code", None) or error.code or "card_declined") if error else None


def decline_code(error: stripe.CardError) -> str:
    """Why the bank said no, in Stripe's words: https://docs.stripe.com/declines/codes"""
    details = error.error
    return str((details and (getattr(details, "decline_code", None) or details.code)) or "card_declined")


async def invoice_that_counts(stripe_client: Stripe, found: stripe.Subscription) -> stripe.Invoice | None:
    """The latest; of an unpaid subscription the oldest that is open, for later ones may be drafts that wait for it.

    https://docs.stripe.com/billing/subscriptions/overview#unpaid-subscriptions
    """
    latest = found.latest_invoice if isinstance(found.latest_invoice, stripe.Invoice) else None
    if found.status not in {"past_due", "unpaid"} or (latest is not None and latest.status == "open"):
        return latest
    with answers():
        unpaid = await stripe_client.v1.invoices.list_async({"subscription": found.id, "status": "open", "limit": 100})
    return unpaid.data[-1] if unpaid.data else latest
