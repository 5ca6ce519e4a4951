"""A subscription that a customer began beside the one that runs, as with two Checkout pages: taken back whole."""

from typing import TYPE_CHECKING

import stripe
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.orders import TakeBackOrder, TakenBack
from activities.refund_orders import PaymentWish, RefundOrder
from activities.refunds import Refunds
from activities.voiding import void
from lifecycle.intents import RefundReason

if TYPE_CHECKING:
    from stripe.params import SubscriptionCancelParams


class SecondSubscriptions:
    """Takes subscriptions back."""

    def __init__(self, stripe_client: Stripe, refunds: Refunds) -> None:
        self._stripe = stripe_client
        self._refunds = refunds

    @activity.defn(name="payments.take_back")
    async def take_back(self, order: TakeBackOrder) -> TakenBack:
        """End it at once, void what is open and refund what was paid; doing so again finds nothing left to do."""
        name = f"{order.subscription_id}/second"
        with answers():
            found = await self._stripe.v1.subscriptions.retrieve_async(
                order.subscription_id, {"expand": ["latest_invoice"]}
            )
        invoice = found.latest_invoice
        if isinstance(invoice, stripe.Invoice) and invoice.status == "open":
            await void(self._stripe, name, str(invoice.id))
        await self._end(order.subscription_id)
        if not isinstance(invoice, stripe.Invoice) or invoice.status != "paid" or not invoice.amount_paid:
            return TakenBack()
        refunded = await self._refund(order, name, str(invoice.id))
        return TakenBack(refunded, invoice.currency, invoice.amount_paid - refunded)

    async def _end(self, subscription_id: str) -> None:
        params: SubscriptionCancelParams = {"invoice_now": False, "prorate": False}
        try:
            with answers():
                await self._stripe.v1.subscriptions.cancel_async(subscription_id, params)
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise

    async def _refund(self, order: TakeBackOrder, name: str, invoice_id: str) -> int:
        """What has been given back of this invoice, in minor units."""
        payment = await self._refunds.find(PaymentWish(order.user_id, order.customer_id, invoice_id))
        if payment.refused or payment.charge_id is None:
            return 0
        refund = RefundOrder(name, order.user_id, payment.charge_id, payment.left, RefundReason.DUPLICATE)
        given = (await self._refunds.give(refund)).refunds if payment.left else []
        return sum(one.amount for one in given or await self._refunds.fetch(payment.charge_id))
