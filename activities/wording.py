"""How facts read to a customer: money, dates, cards, names. English, and the same in every letter."""

import re
import unicodedata
from datetime import UTC, datetime

from lifecycle.currencies import WITH_SILENT_DECIMALS, decimals_of

_SYMBOLS = {
    "usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹", "krw": "₩", "aud": "A$", "brl": "R$", "cad": "CA$",
    "cny": "CN¥", "hkd": "HK$", "ils": "₪", "mxn": "MX$", "nzd": "NZ$", "php": "₱", "twd": "NT$", "vnd": "₫",
}  # fmt: skip

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_BRANDS = {
    "amex": "American Express", "cartes_bancaires": "Cartes Bancaires", "diners": "Diners Club",
    "eftpos_au": "Eftpos", "jcb": "JCB", "mastercard": "Mastercard", "unionpay": "UnionPay", "visa": "Visa",
}  # fmt: skip

# A name that a mail program would turn into a link or an address is a stranger's advertisement, not a name.
_LINKS = re.compile(r"[/@:\\]|\w\.\w{2,}", re.UNICODE)
_LONGEST_NAME = 60


def money(amount: int, currency: str) -> str:
    """An amount in minor units as a reader expects it: ``$30.00``, ``¥3,000``, ``KWD 3.000``."""
    code = currency.lower()
    decimals = decimals_of(code)
    whole, fraction = divmod(abs(amount), 10**decimals)
    digits = f"{whole:,}"
    if decimals and not (code in WITH_SILENT_DECIMALS and not fraction):
        digits += f".{fraction:0{decimals}d}"
    sign = "−" if amount < 0 else ""
    return sign + (_SYMBOLS[code] + digits if code in _SYMBOLS else f"{code.upper()} {digits}")


def day(moment: datetime) -> str:
    """``23 November 2026``: the day in UTC, free of the server's locale."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def month(number: int, year: int) -> str:
    """``November 2026``, as a card's expiry reads."""
    return f"{_MONTHS[number - 1]} {year}"


def card(brand: str | None, last4: str | None) -> str | None:
    """``Visa ending in 4242``; ``None`` when there is no card to speak of."""
    if not last4:
        return None
    name = _BRANDS.get(brand, brand.replace("_", " ").title()) if brand and brand != "unknown" else "card"
    return f"{name} ending in {last4}"


def plain_name(name: str | None) -> str:
    """The name for a greeting and the address line, or ``""`` when it is none.

    Names are typed by strangers, and letters go out under our name: control and direction characters
    are dropped, and a name that carries a link or an address is not repeated at all.
    """
    kept = "".join(
        " " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
        for char in name or ""
        if unicodedata.category(char) not in {"Cf", "Cs", "Co"} or char in "\u200c\u200d"
    )
    tidy = " ".join(kept.split())
    return "" if len(tidy) > _LONGEST_NAME or _LINKS.search(tidy) else tidy
