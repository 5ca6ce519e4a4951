"""From an HTTP request to checked parameters: the query and a form, never JSON (https://docs.stripe.com/api)."""

from typing import Any

from starlette.requests import Request

from .errors import invalid
from .former_parameters import forget
from .forms import as_list, decode
from .parameters import Emulated, check

FORM = "application/x-www-form-urlencoded"


def parameters(request: Request, body: bytes, types: type | None, emulated: Emulated) -> dict[str, Any]:
    given = decode(request.url.query)
    if body:
        if FORM not in request.headers.get("content-type", FORM):
            raise _not_a_form(request.headers["content-type"])
        given |= decode(body)
    forget(given, request.url.path, request.headers)
    if types is None and "expand" in given:
        wanted = as_list(given.pop("expand"))
        if wanted is None or not all(isinstance(path, str) for path in wanted):
            raise invalid("Invalid array", "expand")
        return {"expand": wanted, **check(types, given, emulated)}
    return check(types, given, emulated)


def _not_a_form(kind: str) -> Exception:
    refusal = invalid(
        f"Invalid request (check that your POST content type is {FORM}; this one is {kind[:100]}). "
        "If you have any questions, we can help at https://support.stripe.com/."
    )
    refusal.replayable = False
    return refusal
