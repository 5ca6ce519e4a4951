"""Proration to the second (https://docs.stripe.com/billing/subscriptions/prorations)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from ..world import World
from . import discounting
from .lines import invoice_item, product_name, unit_amount
from .periods import period_before, written

Object = dict[str, Any]


def part(amount: int, share: Fraction) -> int:
    """A share of an amount in minor units, halves away from zero."""
    exact = Decimal(amount * share.numerator) / Decimal(share.denominator)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def share_left(item: Object, at: int, anchor: int) -> Fraction:
    """How much of a full period is left at a moment. A first, shorter period is measured as a full one."""
    recurring, end = item["price"]["recurring"], item["current_period_end"]
    full = end - period_before(end, recurring["interval"], recurring["interval_count"], anchor)
    return Fraction(max(end - at, 0), full)


def credit_unused(world: World, subscription: Object, item: Object, at: int) -> None:
    """What was paid for the rest of the period is given back."""
    share = discounting.share_billed(world, subscription, item)
    _prorate(world, subscription, item, at, "Unused time on", -share)


def charge_remaining(world: World, subscription: Object, item: Object, at: int) -> None:
    """What the rest of the period costs from now on."""
    share = discounting.share_to_charge(world, subscription, item)
    _prorate(world, subscription, item, at, "Remaining time on", share)


def _prorate(world: World, subscription: Object, item: Object, at: int, words: str, paid: Fraction) -> None:
    """``paid`` is the share of the price that discounts leave, negative for a credit."""
    quantity = item.get("quantity", 1)
    left = share_left(item, at, subscription["billing_cycle_anchor"])
    amount = part(unit_amount(item["price"]) * quantity, left * paid)
    name = product_name(world, item["price"])
    counted = name if quantity == 1 else f"{quantity} × {name}"
    period = {"start": at, "end": item["current_period_end"]}
    made = invoice_item(world, subscription, item, amount, f"{words} {counted} after {written(at)}", period)
    if paid not in (1, -1):
        made["_share"] = [abs(paid.numerator), paid.denominator]
