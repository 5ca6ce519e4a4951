"""A subscription that a customer began beside the one that runs, as with two Checkout pages: taken back whole."""

import stripe
from temporalio import activity

from activities.ending import end
from activities.gateway import Stripe, answers
from activities.orders import TakeBackOrder, TakenBack
from activities.refund_orders import PaymentWish, RefundOrder
from activities.refunds import Refunds
from activities.voiding import void
from lifecycle.intents import RefundReason


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
        owed = invoice if isinstance(invoice, stripe.Invoice) and invoice.status == "open" else None
        if owed and await void(self._stripe, name, str(owed.id)):
            with answers():  # it was paid while it was being voided
                invoice = await self._stripe.v1.invoices.retrieve_async(str(owed.id))
        await end(self._stripe, order.subscription_id)
        if not isinstance(invoice, stripe.Invoice) or invoice.status != "paid" or not invoice.amount_paid:
            return TakenBack()
        refunded = await self._refund(order, name, str(invoice.id))
        return TakenBack(refunded, invoice.currency, invoice.amount_paid - refunded)

    async def _refund(self, order: TakeBackOrder, name: str, invoice_id: str) -> int:
        """What has been given back of this invoice, in minor units."""
        payment = await self._refunds.find(PaymentWish(order.user_id, order.customer_id, invoice_id))
        if payment.refused or payment.charge_id is None:
            return 0
        refund = RefundOrder(name, order.user_id, payment.charge_id, payment.left, RefundReason.DUPLICATE)
        given = (await self._refunds.give(refund)).refunds if payment.left else []
        return sum(one.amount for one in given or await self._refunds.fetch(payment.charge_id))
