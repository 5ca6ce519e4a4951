"""Bodies are JSON, say so, and can be read in one way only (RFC 8259, RFC 7493)."""

import json
from typing import Any, NoReturn

from fastapi import Request

from api.problems import Problem


async def json_only(request: Request) -> None:
    """Refuse a body of another kind or charset, and one that two parsers would read differently, before anybody looks
    for fields in it."""
    body = await request.body()
    if not body:
        return
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != "application/json" or not _is_utf8(parameters):
        raise Problem(
            "unsupported_media_type", "Send the body as application/json.", headers={"Accept": "application/json"}
        )
    try:
        json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Problem("malformed_json", "The body could not be parsed as JSON.") from None


def _is_utf8(parameters: str) -> bool:
    """JSON has one charset; a body in another one is not what it seems to whoever does not look."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
            return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name comes twice")
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
