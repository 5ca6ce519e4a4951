"""Stripe's search language, as far as ``field:'value'`` joined by AND (https://docs.stripe.com/search)."""

import re
from typing import Any

from .errors import invalid, not_emulated
from .lists import limit_of

Object = dict[str, Any]
CLAUSE = re.compile(
    r"""\s*(-?)(?:metadata\[['"](?P<key>[^'"]+)['"]\]|(?P<field>[a-z_]+))(?P<sign>[:~<>]=?)"""
    r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s]+))"""
)


def search(objects: list[Object], params: dict[str, Any], url: str, fields: tuple[str, ...]) -> Object:
    """A page of what matches; ``next_page`` counts on from the last one."""
    clauses = _parse(params["query"], fields)
    found = [one for one in objects if all(clause(one) for clause in clauses)]
    start, limit = _start(params), limit_of(params)
    shown = [{name: value for name, value in one.items() if name[0] != "_"} for one in found[start : start + limit]]
    more = len(found) > start + limit
    return {
        "object": "search_result",
        "data": shown,
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": url,
    }


def _start(params: dict[str, Any]) -> int:
    page = params.get("page") or "0"
    if not re.fullmatch(r"[0-9]{1,9}", page):
        raise invalid(f"Invalid page: {page}", "page")
    return int(page)


def _parse(query: str, fields: tuple[str, ...]) -> list[Any]:
    if re.search(r"\bOR\b", query):
        raise not_emulated("OR in a search query", "query")
    clauses: list[Any] = []
    position = 0
    while position < len(query.rstrip()):
        joint = re.match(r"\s*AND\s+", query[position:]) if clauses else None
        position += joint.end() if joint else 0
        match = CLAUSE.match(query, position)
        if not match:
            raise invalid(f"We were unable to parse your search query: {query}", "query")
        if match["sign"] not in (":", "~", ">", "<", ">=", "<="):
            raise invalid(f"We were unable to parse your search query: {query}", "query")
        clauses.append(_clause(match, fields))
        position = match.end()
    return clauses


def _clause(match: "re.Match[str]", fields: tuple[str, ...]) -> Any:
    key, field, sign, negated = match["key"], match["field"], match["sign"], match[1] == "-"
    if field and field not in fields:
        raise invalid(f"Field `{field}` is an unsupported search field for resource.", "query")
    wanted: Any = next((match[name] for name in ("double", "single", "bare") if match[name] is not None), "")
    if sign not in (":", "~") and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", wanted):
        raise invalid(f"We were unable to parse your search query: `{wanted[:100]}` is not a number.", "query")

    def holds(one: Object) -> bool:
        value = one.get("metadata", {}).get(key) if key else one.get(field or "")
        if wanted == "null" and match["bare"]:
            return value is None
        if value is None:
            return False
        if sign == ":":
            return bool(str(value).lower() == wanted.lower())
        if sign == "~":
            return bool(wanted.lower() in str(value).lower())
        number = float(wanted)
        return bool({">": value > number, "<": value < number, ">=": value >= number, "<=": value <= number}[sign])

    return lambda one: holds(one) is not negated
