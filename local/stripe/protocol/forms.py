"""Form encoding with brackets (https://docs.stripe.com/api#request-bodies)."""

from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from .errors import invalid


def decode(text: str) -> dict[str, Any]:
    """``items[0][price]=p&metadata[a]=b&expand[]=x`` → nested dicts and lists of strings."""
    decoded: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _place(decoded, _path(name), value, name)
    return {name: _with_lists(value) for name, value in decoded.items()}


def _path(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if not bracket:
        return [name]
    if not head or not rest.endswith("]"):
        raise invalid(f"Invalid parameter name: {name}", name)
    return [head, *rest[:-1].split("][")]


def _place(into: dict[str, Any], path: list[str], value: str, name: str) -> None:
    for step, following in pairwise(path):
        if step == "":
            # `items[][price]`: a new element begins when the last one has this field already
            last = str(len(into) - 1)
            step = last if into and following not in into[last] else str(len(into))
        nested = into.setdefault(step, {})
        if not isinstance(nested, dict):
            raise invalid(f"Invalid hash: {name} is given both as a value and as a hash", name)
        into = nested
    into[path[-1] or str(len(into))] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    nested = {key: _with_lists(item) for key, item in value.items()}
    if nested and all(key.isdigit() for key in nested):
        return [nested[key] for key in sorted(nested, key=int)]
    return nested
