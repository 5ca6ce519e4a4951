"""Pages of what a search found (https://docs.stripe.com/search).

Stripe's index lags behind by up to a minute; ours does not, so a test cannot learn here to wait for it.
"""

import re
from typing import Any

from .errors import invalid
from .lists import limit_of
from .search_query import parse

Object = dict[str, Any]


def search(objects: list[Object], params: dict[str, Any], url: str, fields: tuple[str, ...]) -> Object:
    """A page of what matches; ``next_page`` counts on from the last one."""
    matches = parse(params["query"], fields)
    found = [one for one in objects if matches(one)]
    start, limit = _start(params), limit_of(params)
    shown = [{name: value for name, value in one.items() if name[0] != "_"} for one in found[start : start + limit]]
    more = len(found) > start + limit
    return {
        "object": "search_result",
        "_total": len(found),
        "data": shown,
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": url,
    }


def _start(params: dict[str, Any]) -> int:
    page = params.get("page") or "0"
    if not re.fullmatch(r"[0-9]{1,9}", page):
        raise invalid(f"Invalid page: {page[:100]}", "page")
    return int(page)
