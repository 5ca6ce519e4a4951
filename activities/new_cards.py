"""A card that the customer has chosen: put to use everywhere, and charged at once for what is open."""

import stripe
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed
from activities.open_payment import decline_code
from activities.orders import CardOrder, CardUsed


class NewCards:
    """Puts cards to use."""

    def __init__(self, stripe_client: Stripe) -> None:
        self._stripe = stripe_client

    @activity.defn(name="payments.use_card")
    async def use_card(self, order: CardOrder) -> CardUsed:
        """Make it the default of customer and subscription, then pay the open invoice, if one is named.

        Stripe would wait for its next try otherwise, which may be days away or never come.
        https://docs.stripe.com/api/invoices/pay
        """
        with answers(), keyed(f"{order.operation_id}/customer") as key:
            await self._stripe.v1.customers.update_async(
                order.customer_id,
                {"invoice_settings": {"default_payment_method": order.payment_method}},
                {"idempotency_key": key},
            )
        with answers(), keyed(f"{order.operation_id}/subscription") as key:
            await self._stripe.v1.subscriptions.update_async(
                order.subscription_id, {"default_payment_method": order.payment_method}, {"idempotency_key": key}
            )
        return await self._pay(order, order.invoice_id) if order.invoice_id else CardUsed()

    async def _pay(self, order: CardOrder, invoice_id: str) -> CardUsed:
        """An invoice that is no longer open, perhaps since this moment, needs no payment.

        A decline is told by Stripe's events as well.
        """
        with answers():
            invoice = await self._stripe.v1.invoices.retrieve_async(invoice_id)
        if invoice.status != "open":
            return CardUsed()
        try:
            with answers(), keyed(f"{order.operation_id}/pay") as key:
                await self._stripe.v1.invoices.pay_async(
                    invoice_id, {"payment_method": order.payment_method}, {"idempotency_key": key}
                )
        except stripe.CardError as error:
            return CardUsed(declined=decline_code(error))
        except StripeRefused:
            with answers():
                invoice = await self._stripe.v1.invoices.retrieve_async(invoice_id)
            if invoice.status == "open":
                raise
        return CardUsed()
