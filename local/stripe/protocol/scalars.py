"""Numbers, booleans and texts as a form carries them (https://docs.stripe.com/error-codes)."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from .errors import StripeError

LONGEST = 5000


def refuse(message: str, name: str, code: str | None = None) -> StripeError:
    """A parameter that does not hold: the endpoint has not begun, so nothing is kept for an idempotency key."""
    return StripeError(400, message, param=name, code=code, replayable=False)


def empty(name: str) -> StripeError:
    message = (
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however "
        f"'{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value."
    )
    return refuse(message, name, "parameter_invalid_empty")


def _integer(value: str, name: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise refuse(f"Invalid integer: {value[:100]}", name, "parameter_invalid_integer")
    return int(value)


def _decimal(value: str, name: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise refuse(f"Invalid decimal: {value[:100]}", name) from None
    if not number.is_finite():
        raise refuse(f"Invalid decimal: {value[:100]}", name)
    return f"{number:f}"


def _float(value: str, name: str) -> float:
    return float(_decimal(value, name))


def _boolean(value: str, name: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise refuse(f"Invalid boolean: {value[:100]}", name)
    return value.lower() == "true"


def _string(value: str, name: str) -> str:
    if len(value) > LONGEST:
        raise refuse(f"Invalid string: must be at most {LONGEST} characters", name)
    return value


SCALARS: dict[Any, Any] = {int: _integer, bool: _boolean, float: _float, Decimal: _decimal, str: _string, Any: _string}
