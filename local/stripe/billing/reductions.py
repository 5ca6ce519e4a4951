"""What a discount takes off, in minor units (https://docs.stripe.com/billing/subscriptions/coupons)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

Object = dict[str, Any]


def rounded(exact: Fraction) -> int:
    """Halves away from zero."""
    quotient = Decimal(exact.numerator) / Decimal(exact.denominator)
    return int(quotient.quantize(Decimal(1), ROUND_HALF_UP))


def reduction(terms: Object, currency: str, amount: int) -> int:
    """Off one sum; never more than the sum, and nothing when the coupon is of another currency."""
    if terms["percent_off"] is not None:
        return rounded(amount * Fraction(str(terms["percent_off"])) / 100)
    return min(terms["amount_off"], amount) if terms["currency"] == currency else 0


def spread(total: int, parts: list[int]) -> list[int]:
    """A reduction over the parts of a sum in proportion; the roundings add up to the total."""
    whole, given, passed, shares = sum(parts), 0, 0, []
    for part in parts:
        passed += part
        until_here = rounded(Fraction(total * passed, whole)) if whole else 0
        shares.append(until_here - given)
        given = until_here
    return shares


def reductions(discount: Object, currency: str, parts: list[tuple[int, str | None]]) -> list[int]:
    """Off each part, given as what is left of its amount and its product."""
    products = discount["_products"]
    fitting = [amount if not products or product in products else 0 for amount, product in parts]
    return spread(reduction(discount["_terms"], currency, sum(fitting)), fitting)
