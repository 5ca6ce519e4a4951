"""Whether Stripe goes on collecting what a subscription owes.

https://docs.stripe.com/billing/subscriptions/pause-payment
"""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.gateway import Stripe, answers
from activities.keys import keyed
from activities.orders import CollectOrder

if TYPE_CHECKING:
    from stripe.params import SubscriptionUpdateParams


class Collecting:
    """Stops collecting and takes it up again; each call sets what is to be the case, so it may be repeated."""

    def __init__(self, stripe_client: Stripe) -> None:
        self._stripe = stripe_client

    @activity.defn(name="payments.stop_collecting")
    async def stop(self, order: CollectOrder) -> bool:
        """Stripe tries the open invoice no more, and keeps later ones as drafts; False when it was paid meanwhile."""
        with answers():
            invoice = await self._stripe.v1.invoices.retrieve_async(order.invoice_id)
            if invoice.status == "paid":
                return False
            if invoice.status == "open":
                with keyed(f"{order.operation_id}/auto_advance") as key:
                    await self._stripe.v1.invoices.update_async(
                        order.invoice_id, {"auto_advance": False}, {"idempotency_key": key}
                    )
        await self._update(order, {"pause_collection": {"behavior": "keep_as_draft"}}, "stop")
        return True

    @activity.defn(name="payments.collect_again")
    async def again(self, order: CollectOrder) -> None:
        """Paid after all: what comes next is collected as ever."""
        await self._update(order, {"pause_collection": ""}, "again")

    async def _update(self, order: CollectOrder, params: "SubscriptionUpdateParams", what: str) -> None:
        with answers(), keyed(f"{order.operation_id}/{what}") as key:
            await self._stripe.v1.subscriptions.update_async(order.subscription_id, params, {"idempotency_key": key})
