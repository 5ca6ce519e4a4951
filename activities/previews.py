"""What a change would cost, asked of Stripe before anything is changed.

https://docs.stripe.com/api/invoices/create_preview
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import stripe

from activities.catalogue import Prices
from activities.customers import Customers
from activities.gateway import Stripe, answers
from activities.paid_periods import PaidPeriods
from activities.promotion_codes import promotion_code_id
from activities.snapshots import is_taxed
from activities.voiding import open_invoices
from lifecycle.leaving import PeriodPayment
from lifecycle.plans import Terms

if TYPE_CHECKING:
    from stripe.params import InvoiceCreatePreviewParams


@dataclass(frozen=True)
class OpenInvoice:
    """An invoice that could still be paid; ``amount`` is what is due, in minor units."""

    id: str
    amount: int
    currency: str
    url: str | None = None


@dataclass(frozen=True)
class Quote:
    """An invoice that is never made, in minor units.

    ``due`` is what would be charged: less than nothing never, what the customer has left over becomes credit for later
    invoices. ``total`` is before such credit. ``tax`` is how much of the total is tax; None: none was calculated, for
    Stripe was not asked or does not know where the customer is.
    """

    due: int
    total: int
    tax: int | None = None


class Previews:
    """Asks Stripe for invoices that are never made."""

    def __init__(self, stripe_client: Stripe, customers: Customers, prices: Prices) -> None:
        self._stripe = stripe_client
        self._customers = customers
        self._prices = prices

    async def of_upgrade(self, subscription_id: str, terms: Terms, quantity: int, at: datetime) -> Quote:
        """What is charged when the subscription moves to so many seats of this price at ``at``."""
        found = await self._retrieved(subscription_id)
        item, price = found["items"].data[0].id, await self._prices.id_of(terms)
        params: InvoiceCreatePreviewParams = {
            "subscription": subscription_id,
            "subscription_details": {
                "items": [{"id": item, "price": price, "quantity": quantity}],
                "proration_behavior": "always_invoice",
                "proration_date": int(at.timestamp()),
            },
        }
        return await self._quoted(params)

    async def of_first_charge(self, user_id: str, terms: Terms, quantity: int, promotion_code: str | None) -> Quote:
        """The first charge of a new subscription for this user, credit and code included.

        Raises `StripeRefused` also for a code that cannot be used (`activities.promotion_codes.is_about_the_code`).
        """
        code = await promotion_code_id(self._stripe, promotion_code) if promotion_code else None
        return await self._of_one_interval(user_id, terms, quantity, code, taxed=terms.tax is not None)

    async def of_one_interval(self, user_id: str, subscription_id: str, terms: Terms, quantity: int) -> Quote:
        """What one interval of other terms costs whoever has this subscription; taxed as the subscription is."""
        found = await self._retrieved(subscription_id)
        return await self._of_one_interval(user_id, terms, quantity, None, taxed=is_taxed(found))

    async def _of_one_interval(
        self, user_id: str, terms: Terms, quantity: int, code: str | None, *, taxed: bool
    ) -> Quote:
        price = await self._prices.id_of(terms)
        customer_id = await self._customers.ensure(user_id)
        params: InvoiceCreatePreviewParams = {
            "customer": customer_id,
            "subscription_details": {"items": [{"price": price, "quantity": quantity}]},
        }
        if taxed:
            params["automatic_tax"] = {"enabled": True}
        if code:
            params["discounts"] = [{"promotion_code": code}]
        return await self._quoted(params)

    async def paid_for_period(self, subscription_id: str) -> list[PeriodPayment]:
        """What was paid for the period that runs; see `activities.paid_periods`."""
        return await PaidPeriods(self._stripe).of_period(subscription_id)

    async def open_invoices(self, subscription_id: str) -> list[OpenInvoice]:
        """What whoever leaves at once does not owe any more, the oldest first."""
        return [
            OpenInvoice(str(invoice.id), invoice.amount_due, invoice.currency, invoice.hosted_invoice_url)
            for invoice in await open_invoices(self._stripe, subscription_id)
        ]

    async def _quoted(self, params: "InvoiceCreatePreviewParams") -> Quote:
        with answers():
            invoice = await self._stripe.v1.invoices.create_preview_async(params)
        is_known = invoice.automatic_tax.status == "complete"
        tax = sum(tax.amount for tax in invoice.total_taxes or []) if is_known else None
        return Quote(invoice.amount_due, invoice.total, tax)

    async def _retrieved(self, subscription_id: str) -> stripe.Subscription:
        with answers():
            return await self._stripe.v1.subscriptions.retrieve_async(subscription_id)
