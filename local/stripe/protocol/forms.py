"""Form encoding with brackets (https://docs.stripe.com/api#request-bodies)."""

from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from .errors import invalid

DEEPEST = 10
"""No parameter of Stripe's is nested deeper."""


def decode(text: str | bytes) -> dict[str, Any]:
    """``items[0][price]=p&metadata[a]=b&expand[]=x`` → nested dicts; only its type tells what is an array."""
    try:
        given = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError:
        raise invalid("Invalid request: the body is not UTF-8.") from None
    decoded: dict[str, Any] = {}
    for name, value in parse_qsl(given, keep_blank_values=True):
        _place(decoded, _path(name), value, name)
    return decoded


def _path(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if head and not bracket:
        return [name]
    steps = rest[:-1].split("][")
    if not head or not rest.endswith("]") or len(steps) > DEEPEST:
        raise invalid(f"Invalid parameter name: {name[:100]}", name[:100])
    return [head, *steps]


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


def as_list(value: Any) -> list[Any] | None:
    """``{"0": a, "1": b}`` → ``[a, b]``, or None when the keys are not places."""
    if not isinstance(value, dict) or not all(key.isdecimal() and len(key) < 10 for key in value):
        return None
    return [value[key] for key in sorted(value, key=int)]
