"""A card that the customer has chosen: put to use everywhere, and charged at once for what is open."""

import stripe
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed
from activities.open_payment import decline_code
from activities.orders import CardOrder, CardUsed
from activities.voiding import open_invoices


class NewCards:
    """Puts cards to use."""

    def __init__(self, stripe_client: Stripe) -> None:
        self._stripe = stripe_client

    @activity.defn(name="payments.use_card")
    async def use_card(self, order: CardOrder) -> CardUsed:
        """Make it the default of customer and subscription, then pay what is open, if an invoice is named.

        That is every open invoice, the oldest first, also one that is collected no more; the first decline is the last
        try. Stripe would wait for its own next try otherwise, which may be days away or never come.
        https://docs.stripe.com/api/invoices/pay
        """
        if not await self._make_default(order):
            return CardUsed()
        with answers(), keyed(f"{order.operation_id}/subscription") as key:
            await self._stripe.v1.subscriptions.update_async(
                order.subscription_id, {"default_payment_method": order.payment_method}, {"idempotency_key": key}
            )
        if order.invoice_id is None:
            return CardUsed()
        for invoice in await open_invoices(self._stripe, order.subscription_id):
            if declined := await self._pay(order, str(invoice.id)):
                return CardUsed(declined=declined)
        return CardUsed()

    async def _make_default(self, order: CardOrder) -> bool:
        """False when the customer has taken the card away since; then there is nothing to use."""
        try:
            with answers(), keyed(f"{order.operation_id}/customer") as key:
                await self._stripe.v1.customers.update_async(
                    order.customer_id,
                    {"invoice_settings": {"default_payment_method": order.payment_method}},
                    {"idempotency_key": key},
                )
        except StripeRefused as refusal:
            if refusal.code != "resource_missing" or refusal.param != "invoice_settings[default_payment_method]":
                raise
            return False
        return True

    async def _pay(self, order: CardOrder, invoice_id: str) -> str | None:
        """The decline code, if the bank says no; an invoice that is no longer open needs no payment."""
        try:
            with answers(), keyed(f"{order.operation_id}/{invoice_id}/pay") as key:
                await self._stripe.v1.invoices.pay_async(
                    invoice_id, {"payment_method": order.payment_method}, {"idempotency_key": key}
                )
        except stripe.CardError as error:
            return decline_code(error)
        except StripeRefused:
            with answers():
                invoice = await self._stripe.v1.invoices.retrieve_async(invoice_id)
            if invoice.status == "open":
                raise
        return None
