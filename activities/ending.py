"""Ending a subscription at once, with nothing billed for it any more."""

from typing import TYPE_CHECKING

from activities.gateway import Stripe, StripeRefused, answers

if TYPE_CHECKING:
    from stripe.params import SubscriptionCancelParams


async def end(stripe_client: Stripe, subscription_id: str) -> None:
    """DELETE takes no idempotency key, and needs none: what has ended, or expired by itself, has ended.

    https://docs.stripe.com/api/subscriptions/cancel
    """
    params: SubscriptionCancelParams = {"invoice_now": False, "prorate": False}
    try:
        with answers():
            await stripe_client.v1.subscriptions.cancel_async(subscription_id, params)
    except StripeRefused as refusal:
        if refusal.code != "resource_missing":
            raise
