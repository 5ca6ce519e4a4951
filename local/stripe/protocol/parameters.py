"""Strict parameters, driven by stripe-python's own TypedDicts.

What the SDK's types do not know is refused as Stripe refuses it (``parameter_unknown``); what they know
and we do not emulate is refused by name. https://docs.stripe.com/error-codes
"""

import re
import types
import typing
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union

import orjson
from stripe import _request_options
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import is_typeddict

from .errors import StripeError, invalid, not_emulated
from .forms import as_list

SDK_OPTIONS = frozenset(_request_options.RequestOptions.__annotations__)
"""Keys of the client, not of the API; the TypedDicts carry both."""

Emulated = dict[str, "Emulated"]


def emulated(names: str) -> Emulated:
    """``"customer items.price items.id"`` as a tree; a leaf accepts everything below it."""
    tree: Emulated = {}
    for name in names.split():
        branch = tree
        for step in name.split("."):
            branch = branch.setdefault(step, {})
    return tree


@cache
def fields(params: type) -> dict[str, tuple[Any, bool]]:
    """Name → (type, required) of one TypedDict."""
    hints = typing.get_type_hints(params, localns={"StripeContext": Any, "Mapping": Mapping}, include_extras=True)
    found = {}
    for name, hint in hints.items():
        if name in SDK_OPTIONS:
            continue
        origin = typing.get_origin(hint)
        required = origin is not NotRequired
        found[name] = (typing.get_args(hint)[0] if origin in (NotRequired, Required) else hint, required)
    return found


def check(params: type | None, given: dict[str, Any], allowed: Emulated) -> dict[str, Any]:
    """The request's parameters as Python values, or Stripe's refusal."""
    if params is None:
        if given:
            _unknown(next(iter(given)))
        return {}
    return _hash(params, given, "", allowed)


def _unknown(name: str) -> typing.NoReturn:
    raise StripeError(
        400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name, replayable=False
    )


def _refuse(message: str, name: str, code: str | None = None) -> StripeError:
    return StripeError(400, message, param=name, code=code, replayable=False)


def _hash(params: type, given: dict[str, Any], at: str, allowed: Emulated | None) -> dict[str, Any]:
    known = fields(params)
    checked = {}
    for name, value in given.items():
        full = f"{at}[{name}]" if at else name
        if name not in known:
            _unknown(full)
        deeper = None
        if allowed:
            if name not in allowed and name != "expand":
                raise not_emulated(f"The parameter `{full}`", full)
            deeper = allowed.get(name)
        checked[name] = _value(known[name][0], value, full, deeper)
    for name, (_, required) in known.items():
        if required and name not in given:
            full = f"{at}[{name}]" if at else name
            raise _refuse(f"Missing required param: {full}.", full, "parameter_missing")
    return checked


def _value(hint: Any, value: Any, name: str, allowed: Emulated | None) -> Any:
    options = _options(hint)
    literals = [option for one in options if typing.get_origin(one) is Literal for option in typing.get_args(one)]
    if value in literals if isinstance(value, str) else False:
        return value
    others = [one for one in options if typing.get_origin(one) is not Literal and one is not type(None)]
    if any(literals) and str in others and others != [str]:
        others.remove(str)
    if not others or (any(literals) and others == [str]):
        raise _refuse(f"Invalid {name}: must be one of {_choices([one for one in literals if one])}", name)
    return _convert(others, value, name, allowed)


def _options(hint: Any) -> list[Any]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        return [option for one in typing.get_args(hint) for option in _options(one)]
    return [hint]


def _choices(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, or {names[-1]}"


def _convert(hints: list[Any], value: Any, name: str, allowed: Emulated | None) -> Any:
    if isinstance(value, dict):
        lists = [hint for hint in hints if typing.get_origin(hint) is list]
        items = as_list(value) if lists else None
        if items is None:
            return _nested(hints, value, name, allowed)
        (item,) = typing.get_args(lists[0])
        return [_value(item, one, f"{name}[{n}]", allowed) for n, one in enumerate(items)]
    scalars = [hint for hint in hints if hint in SCALARS]
    if not scalars:
        kind = "array" if any(typing.get_origin(hint) is list for hint in hints) else "object"
        raise _refuse(f"Invalid {kind}", name, "parameter_invalid_empty" if value == "" else None)
    return SCALARS[scalars[0]](value, name)


def _nested(hints: list[Any], value: dict[str, Any], name: str, allowed: Emulated | None) -> Any:
    typed = [hint for hint in hints if is_typeddict(hint)]
    if typed:
        return _hash(typed[0], value, name, allowed)
    for hint in hints:
        if typing.get_origin(hint) in (dict, UntypedStripeObject):
            item = typing.get_args(hint)[-1]
            return {key: _value(item, one, f"{name}[{key}]", allowed) for key, one in value.items()}
    lists = [hint for hint in hints if typing.get_origin(hint) is list]
    raise _refuse("Invalid array" if lists else f"Invalid string: {orjson.dumps(value).decode()[:200]}", name)


def _integer(value: str, name: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise _refuse(f"Invalid integer: {value[:100]}", name, "parameter_invalid_integer")
    return int(value)


def _decimal(value: str, name: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise _refuse(f"Invalid decimal: {value[:100]}", name) from None
    if not number.is_finite():
        raise _refuse(f"Invalid decimal: {value[:100]}", name)
    return f"{number:f}"


def _float(value: str, name: str) -> float:
    return float(_decimal(value, name))


def _boolean(value: str, name: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise _refuse(f"Invalid boolean: {value}", name)
    return value.lower() == "true"


def _string(value: str, name: str) -> str:
    if len(value) > 5000:
        raise _refuse("Invalid string: must be at most 5000 characters", name)
    return value


SCALARS: dict[Any, Any] = {int: _integer, bool: _boolean, float: _float, Decimal: _decimal, str: _string, Any: _string}


def merged_metadata(old: dict[str, str], given: Any) -> dict[str, str]:
    """Metadata is merged key by key; an empty value unsets one key, an empty string all of them.

    https://docs.stripe.com/api/metadata: 50 keys, names of 40 and values of 500 characters.
    """
    if given == "":
        return {}
    merged = {**old, **given}
    for key, value in given.items():
        if len(key) > 40 or "[" in key:
            raise invalid(f"Metadata keys can't be longer than 40 characters or contain brackets: {key}", "metadata")
        if len(value) > 500:
            raise invalid(f"Metadata values can't be longer than 500 characters: {key}", f"metadata[{key}]")
    merged = {key: value for key, value in merged.items() if value != ""}
    if len(merged) > 50:
        raise invalid("Metadata can't have more than 50 keys", "metadata")
    return merged
