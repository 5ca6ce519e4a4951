"""Promotion codes: what a customer typed, as Stripe knows it.

https://docs.stripe.com/billing/subscriptions/coupons#promotion-codes
"""

from activities.gateway import Stripe, StripeRefused, answers


async def promotion_code_id(stripe_client: Stripe, code: str) -> str:
    """Stripe's id of an active code, in whatever case it was typed.

    Raises `StripeRefused` with ``promotion_code_unknown``.
    """
    with answers():
        found = await stripe_client.v1.promotion_codes.list_async({"code": code, "active": True, "limit": 1})
    if not found.data:
        raise StripeRefused("promotion_code_unknown")
    return found.data[0].id


def is_about_the_code(refusal: StripeRefused) -> bool:
    """Whether Stripe refused because of the code: unknown, spent, over, or not for this customer or price."""
    return refusal.code.startswith("promotion_code") or (refusal.param or "").startswith("discounts")
