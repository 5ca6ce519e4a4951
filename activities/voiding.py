"""Open invoices that nobody is to pay any more. https://docs.stripe.com/invoicing/overview#void"""

from activities.gateway import Stripe, answers
from activities.keys import keyed


async def void(stripe_client: Stripe, operation_id: str, invoice_id: str) -> bool:
    """Void an open invoice and answer whether it turned out to be paid; a void one stays as it is."""
    with answers():
        invoice = await stripe_client.v1.invoices.retrieve_async(invoice_id)
        if invoice.status == "open":
            with keyed(f"{operation_id}/void") as key:
                invoice = await stripe_client.v1.invoices.void_invoice_async(invoice_id, None, {"idempotency_key": key})
    return invoice.status == "paid"
