"""Open invoices that nobody is to pay any more. https://docs.stripe.com/invoicing/overview#void"""

import stripe

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed

_MOST = 100
"""Open invoices of one subscription; Stripe charges no more often than once a month."""


async def void(stripe_client: Stripe, operation_id: str, invoice_id: str) -> bool:
    """Void an open invoice and answer whether it turned out to be paid; a void one stays as it is."""
    with answers():
        invoice = await stripe_client.v1.invoices.retrieve_async(invoice_id)
    if invoice.status == "open":
        try:
            with answers(), keyed(f"{operation_id}/void") as key:
                invoice = await stripe_client.v1.invoices.void_invoice_async(invoice_id, None, {"idempotency_key": key})
        except StripeRefused:
            with answers():
                invoice = await stripe_client.v1.invoices.retrieve_async(invoice_id)
            if invoice.status == "open":
                raise
    return invoice.status == "paid"


async def open_invoices(stripe_client: Stripe, subscription_id: str) -> list[stripe.Invoice]:
    """Every invoice of this subscription that could still be paid, the oldest first."""
    with answers():
        found = await stripe_client.v1.invoices.list_async(
            {"subscription": subscription_id, "status": "open", "limit": _MOST}
        )
    return list(reversed(found.data))


async def void_all(stripe_client: Stripe, operation_id: str, subscription_id: str) -> None:
    """Void whatever is open, each invoice under a key of its own; what is paid in this moment stays paid."""
    for invoice in await open_invoices(stripe_client, subscription_id):
        await void(stripe_client, f"{operation_id}/{invoice.id}", str(invoice.id))
