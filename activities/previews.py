"""What a change would cost, asked of Stripe before anything is changed.

https://docs.stripe.com/api/invoices/create_preview
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import stripe

from activities.catalogue import Prices
from activities.customers import Customers
from activities.gateway import Stripe, answers
from activities.paid_periods import PaidPeriods
from activities.promotion_codes import outlasts, promotion_code_id
from activities.snapshots import has_discount, is_taxed
from activities.voiding import open_invoices
from lifecycle.leaving import PeriodPayment
from lifecycle.plans import Interval, Terms

if TYPE_CHECKING:
    from stripe.params import InvoiceCreatePreviewParams

_WHAT_REDUCES = ["customer", "discounts.source.coupon"]


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
    Stripe was not asked or does not know where the customer is. ``balance`` is the customer's afterwards, as Stripe
    counts it: below nothing is credit (https://docs.stripe.com/billing/customer/balance).
    """

    due: int
    total: int
    tax: int | None = None
    balance: int = 0

    def with_balance(self, balance: int) -> "Quote":
        """The same invoice for a customer whose balance before it is this."""
        due = max(self.total + balance, 0) if self.total > 0 else 0
        return replace(self, due=due, balance=balance + self.total - due)


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

    async def code_outlasts(self, promotion_code: str, interval: Interval) -> bool:
        """Whether the code still takes something off when the first interval is over."""
        return await outlasts(self._stripe, promotion_code, interval)

    async def of_next_charge(
        self, subscription_id: str, terms: Terms, quantity: int, at: datetime, change: Quote | None = None
    ) -> Quote:
        """What one interval of these terms is charged at when it begins at ``at``.

        It counts the discounts that hold until then, and the credit that the ``change`` leaves which is charged now,
        else the credit of today. Stripe is asked only when something takes off or puts on.
        """
        found = await self._retrieved(subscription_id, expand=_WHAT_REDUCES)
        balance = change.balance if change else _balance_of(found)
        if not has_discount(found) and not is_taxed(found):
            return Quote(terms.amount * quantity, terms.amount * quantity).with_balance(balance)
        item, price = found["items"].data[0].id, await self._prices.id_of(terms)
        params: InvoiceCreatePreviewParams = {
            "subscription": subscription_id,
            "subscription_details": {
                "items": [{"id": item, "price": price, "quantity": quantity}],
                "proration_behavior": "none",
            },
        }
        if found.status != "trialing":  # a trial's next invoice is the one at its end; a period is to begin as if now
            params["subscription_details"]["billing_cycle_anchor"] = {"type": "now"}
        if found.discounts:
            then = _those_that_hold(found.discounts, at, is_next=change is None)
            params["discounts"] = [{"discount": one} for one in then] or ""
        return (await self._quoted(params)).with_balance(balance)

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
        balance = invoice.starting_balance + invoice.total - invoice.amount_due
        return Quote(invoice.amount_due, invoice.total, tax, balance)

    async def _retrieved(self, subscription_id: str, expand: Sequence[str] = ()) -> stripe.Subscription:
        with answers():
            return await self._stripe.v1.subscriptions.retrieve_async(subscription_id, {"expand": [*expand]})


def _balance_of(subscription: stripe.Subscription) -> int:
    customer = subscription.customer
    return (getattr(customer, "balance", 0) or 0) if isinstance(customer, stripe.Customer) else 0


def _those_that_hold(discounts: Sequence[str | stripe.Discount], at: datetime, *, is_next: bool) -> list[str]:
    """The discounts that reduce an invoice of that moment. What is good for one invoice reduces only the next."""
    known = [one for one in discounts if isinstance(one, stripe.Discount)]
    there = [one for one in known if one.end is None or one.end > at.timestamp()]
    return [one.id for one in there if is_next or not _is_for_one_invoice(one)]


def _is_for_one_invoice(discount: stripe.Discount) -> bool:
    coupon = discount.source.coupon
    return isinstance(coupon, stripe.Coupon) and coupon.duration == "once"
