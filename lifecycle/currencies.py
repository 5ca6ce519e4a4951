"""How Stripe counts money: every amount is a whole number of minor units, and a currency says how many make one.

https://docs.stripe.com/currencies#zero-decimal, #three-decimal
"""

WITHOUT_DECIMALS = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
WITH_THREE_DECIMALS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
WITH_SILENT_DECIMALS = frozenset(("isk", "ugx"))
"""Two decimals that must be zero; nobody writes them. https://docs.stripe.com/currencies#special-cases"""


def decimals_of(currency: str) -> int:
    """How many decimals an amount in minor units has: 500 is ¥500, $5.00 and KWD 0.500. ``currency`` in lower case."""
    if currency in WITHOUT_DECIMALS:
        return 0
    return 3 if currency in WITH_THREE_DECIMALS else 2


def smallest_step(currency: str) -> int:
    """What every amount to be charged is a multiple of: the last of three decimals is zero, silent ones are too."""
    if currency in WITH_SILENT_DECIMALS:
        return 100
    return 10 if currency in WITH_THREE_DECIMALS else 1
