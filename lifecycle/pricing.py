"""What the plans file says of prices: amounts by interval, in the default currency and in others, and seats."""

import re
from collections.abc import Mapping
from enum import StrEnum

from lifecycle.currencies import smallest_step

MOST_SEATS = 1_000_000
"""More than any plan is sold in; it keeps amounts within what Stripe and a bigint hold."""


class TaxBehavior(StrEnum):
    """Whether tax comes on top of a price or is in it.

    https://docs.stripe.com/tax/products-prices-tax-codes-tax-behavior#tax-behavior
    """

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


_ISO_4217 = re.compile(r"[a-z]{3}")


def read_prices(place: str, table: object, currency: str) -> dict[str, int]:
    """Amounts in minor units by interval; raises `ValueError` with the place that is wrong."""
    if not isinstance(table, dict) or not table:
        raise ValueError(f"{place}: at least one price is needed")
    step = smallest_step(currency)
    for interval, amount in table.items():
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
            raise ValueError(f"{place}.{interval}: a whole number of minor units is needed")
        if amount % step:
            raise ValueError(f"{place}.{interval}: Stripe charges {currency} in steps of {step}")
    return table


def read_currency(place: str, code: object) -> str:
    """A currency by its three letters in lower case; raises `ValueError`."""
    if not isinstance(code, str) or not _ISO_4217.fullmatch(code):
        raise ValueError(f"{place}: a currency is three small letters, such as eur")
    return code


def read_prices_in(place: str, tables: object, default: str) -> dict[str, Mapping[str, int]]:
    """The prices in each other currency; raises `ValueError`."""
    if not isinstance(tables, dict):
        raise ValueError(f"{place}: a table for each currency is needed")
    if default in tables:
        raise ValueError(f"{place}.{default}: these are the plan's `prices`")
    codes = {read_currency(f"{place}.{code}", code): table for code, table in tables.items()}
    return {code: read_prices(f"{place}.{code}", table, code) for code, table in codes.items()}


def read_max_quantity(place: str, value: object) -> int:
    """How many seats may be asked for; raises `ValueError`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_SEATS:
        raise ValueError(f"{place}: a whole number from 1 to {MOST_SEATS} is needed")
    return value


def read_tax(table: object) -> TaxBehavior | None:
    """How prices are taxed by Stripe; None: Stripe is not asked to calculate tax. Raises `ValueError`."""
    if not isinstance(table, dict) or not isinstance(table.get("automatic", False), bool):
        raise ValueError("tax.automatic: true or false is needed")
    unknown = sorted(table.keys() - {"automatic", "behavior"})
    if unknown:
        raise ValueError(f"tax.{unknown[0]}: there is no such switch; there are automatic, behavior")
    behavior = TaxBehavior(str(table.get("behavior", TaxBehavior.EXCLUSIVE)))
    return behavior if table.get("automatic") else None
