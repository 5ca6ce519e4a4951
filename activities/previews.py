"""What a change would cost, asked of Stripe before anything is changed.

https://docs.stripe.com/api/invoices/create_preview
"""

from datetime import datetime
from typing import TYPE_CHECKING

from activities.catalogue import Prices
from activities.gateway import Stripe, answers
from lifecycle.plans import Terms

if TYPE_CHECKING:
    from stripe.params import InvoiceCreatePreviewParams


class Previews:
    """Asks Stripe for invoices that are never made."""

    def __init__(self, stripe_client: Stripe, prices: Prices) -> None:
        self._stripe = stripe_client
        self._prices = prices

    async def of_upgrade(self, subscription_id: str, terms: Terms, at: datetime) -> int:
        """What is charged now, in minor units, when the subscription moves to this price at ``at``.

        Less than nothing never: what the customer has left over becomes credit for later invoices.
        """
        with answers():
            found = await self._stripe.v1.subscriptions.retrieve_async(subscription_id)
        params: InvoiceCreatePreviewParams = {
            "subscription": subscription_id,
            "subscription_details": {
                "items": [{"id": found["items"].data[0].id, "price": await self._prices.id_of(terms)}],
                "proration_behavior": "always_invoice",
                "proration_date": int(at.timestamp()),
            },
        }
        return await self._due(params)

    async def of_first_charge(self, customer_id: str, terms: Terms) -> int:
        """What a customer whom Stripe knows would be charged now for a new subscription without a trial."""
        price = await self._prices.id_of(terms)
        return await self._due(
            {"customer": customer_id, "subscription_details": {"items": [{"price": price, "quantity": 1}]}}
        )

    async def _due(self, params: "InvoiceCreatePreviewParams") -> int:
        with answers():
            return (await self._stripe.v1.invoices.create_preview_async(params)).amount_due
