"""What a change would cost, asked of Stripe before anything is changed.

https://docs.stripe.com/api/invoices/create_preview
"""

from datetime import datetime
from typing import TYPE_CHECKING

from activities.catalogue import Prices
from activities.customers import Customers
from activities.gateway import Stripe, answers
from activities.promotion_codes import promotion_code_id
from lifecycle.plans import Terms

if TYPE_CHECKING:
    from stripe.params import InvoiceCreatePreviewParams


class Previews:
    """Asks Stripe for invoices that are never made."""

    def __init__(self, stripe_client: Stripe, customers: Customers, prices: Prices) -> None:
        self._stripe = stripe_client
        self._customers = customers
        self._prices = prices

    async def of_upgrade(self, subscription_id: str, terms: Terms, quantity: int, at: datetime) -> int:
        """What is charged now, in minor units, when the subscription moves to so many seats of this price at ``at``.

        Less than nothing never: what the customer has left over becomes credit for later invoices.
        """
        with answers():
            found = await self._stripe.v1.subscriptions.retrieve_async(subscription_id)
        item, price = found["items"].data[0].id, await self._prices.id_of(terms)
        params: InvoiceCreatePreviewParams = {
            "subscription": subscription_id,
            "subscription_details": {
                "items": [{"id": item, "price": price, "quantity": quantity}],
                "proration_behavior": "always_invoice",
                "proration_date": int(at.timestamp()),
            },
        }
        return await self._due(params)

    async def of_first_charge(self, user_id: str, terms: Terms, quantity: int, promotion_code: str | None) -> int:
        """What the first charge of a new subscription would be for this user, in minor units, credit and code included.

        Raises `StripeRefused` also for a code that cannot be used (`activities.promotion_codes.is_about_the_code`).
        """
        price = await self._prices.id_of(terms)
        customer_id = await self._customers.ensure(user_id)
        params: InvoiceCreatePreviewParams = {
            "customer": customer_id,
            "subscription_details": {"items": [{"price": price, "quantity": quantity}]},
        }
        if promotion_code:
            params["discounts"] = [{"promotion_code": await promotion_code_id(self._stripe, promotion_code)}]
        return await self._due(params)

    async def _due(self, params: "InvoiceCreatePreviewParams") -> int:
        with answers():
            return (await self._stripe.v1.invoices.create_preview_async(params)).amount_due
