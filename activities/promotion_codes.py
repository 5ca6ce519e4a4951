"""Promotion codes: what a customer typed, as Stripe knows it.

https://docs.stripe.com/billing/subscriptions/coupons#promotion-codes
"""

import stripe

from activities.gateway import Stripe, StripeRefused, answers
from lifecycle.plans import Interval


async def promotion_code_id(stripe_client: Stripe, code: str) -> str:
    """Stripe's id of an active code, in whatever case it was typed.

    Raises `StripeRefused` with ``promotion_code_unknown``.
    """
    return (await _found(stripe_client, code)).id


async def outlasts(stripe_client: Stripe, code: str, interval: Interval) -> bool:
    """Whether a code that is redeemed now also reduces what is charged an interval later.

    Raises `StripeRefused` with ``promotion_code_unknown``.
    """
    coupon = (await _found(stripe_client, code)).promotion.coupon
    if not isinstance(coupon, stripe.Coupon):
        return False
    months = 1 if interval is Interval.MONTH else 12
    return coupon.duration == "forever" or (coupon.duration_in_months or 0) > months


async def _found(stripe_client: Stripe, code: str) -> stripe.PromotionCode:
    with answers():
        found = await stripe_client.v1.promotion_codes.list_async(
            {"code": code, "active": True, "limit": 1, "expand": ["data.promotion.coupon"]}
        )
    if not found.data:
        raise StripeRefused("promotion_code_unknown")
    return found.data[0]


def is_about_the_code(refusal: StripeRefused) -> bool:
    """Whether Stripe refused because of the code: unknown, spent, over, or not for this customer or price."""
    return refusal.code.startswith("promotion_code") or (refusal.param or "").startswith("discounts")
