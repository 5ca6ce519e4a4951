"""Strict parameters, driven by stripe-python's own TypedDicts.

What the SDK's types do not know is refused as Stripe refuses it (``parameter_unknown``); what they know
and we do not emulate is refused by name. https://docs.stripe.com/error-codes
"""

import types
import typing
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union

import orjson
from stripe import _request_options
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import is_typeddict

from .currencies import currency
from .errors import StripeError, invalid, not_emulated
from .forms import as_list
from .scalars import SCALARS, empty, refuse

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
            raise _unknown(list(given), ())
        return {}
    return _hash(params, given, "", allowed)


def _unknown(names: list[str], known: Iterable[str]) -> StripeError:
    if len(names) > 1:
        message = f"Received unknown parameters: {', '.join(names)}"
    else:
        head, bracket, inner = names[0].rpartition("[")
        near = get_close_matches(inner.rstrip("]") if bracket else names[0], known, 1)
        meant = (f"{head}[{near[0]}]" if bracket else near[0]) if near else ""
        message = f"Received unknown parameter: {names[0]}" + (f". Did you mean {meant}?" if meant else "")
    return refuse(message, names[0], "parameter_unknown")


def _hash(params: type, given: dict[str, Any], at: str, allowed: Emulated | None) -> dict[str, Any]:
    known = fields(params)
    unknown = [f"{at}[{name}]" if at else name for name in given if name not in known]
    if unknown:
        raise _unknown(unknown, known)
    checked = {}
    for name, value in given.items():
        full = f"{at}[{name}]" if at else name
        if value == "" and known[name] == (str, True):
            raise empty(full)
        deeper = None
        if allowed:
            if name not in allowed and name != "expand":
                raise not_emulated(f"The parameter `{full}`", full)
            deeper = allowed.get(name)
        checked[name] = _value(known[name][0], value, full, deeper)
        if name == "currency" and value:
            currency(checked[name], full)
    for name, (_, required) in known.items():
        if required and name not in given:
            full = f"{at}[{name}]" if at else name
            raise refuse(f"Missing required param: {full}.", full, "parameter_missing")
    return checked


def _value(hint: Any, value: Any, name: str, allowed: Emulated | None) -> Any:
    options = _options(hint)
    literals = [option for one in options if typing.get_origin(one) is Literal for option in typing.get_args(one)]
    if value in literals if isinstance(value, str) else False:
        return value
    others = [one for one in options if typing.get_origin(one) is not Literal and one is not type(None)]
    if any(literals) and str in others and others != [str]:
        others.remove(str)
    if value == "" and str not in others and Any not in others:
        raise empty(name)
    if not others or (any(literals) and others == [str]):
        raise refuse(f"Invalid {name}: must be one of {_choices([one for one in literals if one])}", name)
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
        raise refuse(f"Invalid {kind}", name)
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
    raise refuse("Invalid array" if lists else f"Invalid string: {orjson.dumps(value).decode()[:200]}", name)


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
