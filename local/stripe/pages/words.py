"""Money, dates and terms as a customer reads them. Filters of the templates."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ..billing.lines import SYMBOLS, unit_amount
from ..protocol.currencies import decimals_of

Object = dict[str, Any]
BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def money(amount: int, currency: str) -> str:
    """$1,299.00, −€5.00, 500 JPY, 12.500 KWD."""
    decimals = decimals_of(currency)
    shown = f"{abs(amount) / 10**decimals:,.{decimals}f}"
    sign = "−" if amount < 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{shown}" if symbol else f"{sign}{shown} {currency.upper()}"


def day(seconds: int | None) -> str:
    """1 February 2027, in UTC."""
    if seconds is None:
        return "–"
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.day} {moment:%B %Y}"


def moment(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    return f"{day(seconds)}, {datetime.fromtimestamp(seconds, UTC):%H:%M} UTC"


def every(recurring: Object | None) -> str:
    """``per month``, ``every 3 months``; nothing for a one-time price."""
    if not recurring:
        return ""
    count, interval = recurring["interval_count"], recurring["interval"]
    return f"per {interval}" if count == 1 else f"every {count} {interval}s"


def full_price(lines: list[Object]) -> int:
    """What the lines of a checkout session cost for a full period, trial or not."""
    return sum(unit_amount(line["price"]) * line["quantity"] for line in lines)


def card(method: Object) -> str:
    """Visa •••• 4242."""
    face = method["card"]
    return f"{BRANDS.get(face['brand'], face['brand'].title())} ••••\N{NO-BREAK SPACE}{face['last4']}"


def expiry(method: Object) -> str:
    return f"{method['card']['exp_month']:02}/{method['card']['exp_year'] % 100:02}"


def status(value: str) -> str:
    """``past_due`` → Past due."""
    return value.replace("_", " ").capitalize()


def address(url: str | None) -> str:
    """An address of the merchant's, unless following it would run a script."""
    return url if url and urlsplit(url).scheme.lower() not in ("javascript", "data", "vbscript") else "#"


FILTERS = {
    "address": address,
    "card": card,
    "day": day,
    "every": every,
    "full_price": full_price,
    "expiry": expiry,
    "moment": moment,
    "money": money,
    "status": status,
}
