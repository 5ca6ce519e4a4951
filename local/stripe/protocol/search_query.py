"""Stripe's search language (https://docs.stripe.com/search#search-query-language), read into clauses.

``field:'exact'``, ``field~'part'``, ``field>5``, ``metadata['key']:'value'``, ``-`` negates, ``AND`` (or a space) or
``OR`` joins, but not both in one query, and there are no parentheses.
"""

import re
from collections.abc import Callable
from typing import Any

from .errors import StripeError, invalid

Object = dict[str, Any]
Clause = Callable[[Object], bool]
CLAUSE = re.compile(
    r"""(?P<not>-?)(?:metadata\[(?P<quote>['"])(?P<key>(?:\\.|(?!(?P=quote)).)+)(?P=quote)\]|(?P<field>[a-z_]+(?:\.[a-z_0-9]+)*))"""
    r"""(?P<sign>:|~|>=|<=|>|<)"""
    r"""(?:"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<bare>[^\s'"()]+))"""
)
JOINT = re.compile(r"\s+(?:(AND|OR)\s+)?", re.IGNORECASE)
MOST_CLAUSES, SHORTEST_PART = 10, 3
NUMERIC = {"amount", "canceled_at", "created", "total"}
STRINGS = {"description", "email", "name", "number", "phone", "receipt_number", "url"}
"""Fields of which a part may be asked for; of all others only the whole (a token)."""


def parse(query: str, fields: tuple[str, ...]) -> Clause:
    """What the query asks of one object. Refuses what Stripe's language does not have."""
    clauses: list[Clause] = []
    joints: set[str] = set()
    rest = query.strip()
    while rest:
        if clauses:
            joint = JOINT.match(rest)
            if not joint or joint.end() == len(rest):
                raise _unreadable(query)
            joints.add((joint[1] or "AND").upper())
            rest = rest[joint.end() :]
        match = CLAUSE.match(rest)
        if not match:
            raise _unreadable(query)
        clauses.append(_clause(match, fields))
        rest = rest[match.end() :]
    return _joined(clauses, joints, query)


def _joined(clauses: list[Clause], joints: set[str], query: str) -> Clause:
    if not clauses:
        raise _unreadable(query)
    if len(joints) > 1:
        raise invalid("You cannot combine AND and OR in the same search query.", "query")
    if len(clauses) > MOST_CLAUSES:
        raise invalid(f"A search query can have at most {MOST_CLAUSES} clauses.", "query")
    every = any if "OR" in joints else all
    return lambda one: every(clause(one) for clause in clauses)


def _clause(match: "re.Match[str]", fields: tuple[str, ...]) -> Clause:
    key, field, sign = match["key"], match["field"] or "", match["sign"]
    wanted = next(match[name] for name in ("double", "single", "bare") if match[name] is not None)
    wanted = re.sub(r"\\(.)", r"\1", wanted)
    if key is None and field not in fields:
        raise invalid(f"Field `{field}` is an unsupported search field for resource.", "query")
    if key is None:
        _refuse_unless_fitting(field, sign, wanted)
    if key is not None and sign not in ":~":
        raise _unfit(f"metadata[{key!r}]", sign)
    null = wanted.lower() == "null" and match["bare"] is not None
    if null and (key is None or sign != ":"):
        raise invalid("NULL can only be used with metadata.", "query")
    negated = match["not"] == "-"

    def holds(one: Object) -> bool:
        value = one.get("metadata", {}).get(key) if key is not None else _at(one, field)
        found = value is None if null else value is not None and COMPARISONS[sign](value, wanted)
        return found is not negated

    return holds


def _refuse_unless_fitting(field: str, sign: str, wanted: str) -> None:
    if field in NUMERIC:
        if sign == "~":
            raise _unfit(field, sign)
        if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", wanted):
            raise invalid(f"`{wanted[:100]}` is not a number: `{field}` is a numeric field.", "query")
    elif sign not in ":~" or (sign == "~" and field not in STRINGS):
        raise _unfit(field, sign)
    if sign == "~" and len(wanted) < SHORTEST_PART:
        raise invalid(f"A substring search needs at least {SHORTEST_PART} characters.", "query")


def _at(one: Object, field: str) -> Any:
    """``billing_details.address.postal_code`` → what is there, or None.

    An invoice no longer shows its `subscription`, but is still found by it: we keep it under a name of ours.
    """
    value: Any = one
    for step in field.split("."):
        value = value.get(step, value.get(f"_{step}")) if isinstance(value, dict) else None
    return value


def _equal(value: Any, wanted: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) == float(wanted)
    return str(value).lower() == wanted.lower()


COMPARISONS: dict[str, Callable[[Any, str], bool]] = {
    ":": _equal,
    "~": lambda value, wanted: wanted.lower() in str(value).lower(),
    ">": lambda value, wanted: float(value) > float(wanted),
    "<": lambda value, wanted: float(value) < float(wanted),
    ">=": lambda value, wanted: float(value) >= float(wanted),
    "<=": lambda value, wanted: float(value) <= float(wanted),
}


def _unfit(field: str, sign: str) -> StripeError:
    return invalid(f"The operator `{sign}` is not supported for the field `{field}`.", "query")


def _unreadable(query: str) -> StripeError:
    return invalid(f"We were unable to parse your search query: {query[:200]}", "query")
