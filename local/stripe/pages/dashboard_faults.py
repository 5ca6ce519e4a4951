"""Faults on and off, and the idempotency keys that are kept."""

from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..faults import CALLS, WEBHOOKS
from ..protocol.errors import invalid
from .dashboard_frame import Dashboard
from .site import Fields

PAGE = "/dashboard/faults"
NUMBERS: dict[str, Any] = {
    "count": int,
    "seconds": float,
    "probability": float,
    "seed": int,
    "milliseconds": int,
    "retry_after": int,
}
KEYS_SHOWN = 15


def register(board: Dashboard) -> None:
    site, faults = board.site, board.api.faults

    def show(request: Request) -> Response:
        answers = board.api.idempotency.answers
        newest = [(key.partition(":")[2], answers[key]) for key in islice(reversed(answers), KEYS_SHOWN)]
        facts = {"rules": list(faults.rules.values()), "calls": CALLS, "webhooks": WEBHOOKS}
        return board.show(request, "faults", "faults", keys=newest, kept=len(answers), **facts)

    def add(request: Request, fields: Fields) -> Response:
        faults.add({name: _value(name, text.strip()) for name, text in fields.items() if text.strip()})
        return site.go(f"{PAGE}?done=added")

    def remove(request: Request, fields: Fields) -> Response:
        faults.remove(request.path_params["id"])
        return site.go(f"{PAGE}?done=removed")

    def clear(request: Request, fields: Fields) -> Response:
        faults.clear()
        return site.go(f"{PAGE}?done=removed")

    site.get(PAGE, show)
    site.post(PAGE, add)
    site.post(f"{PAGE}/none", clear)
    site.post(f"{PAGE}/{{id}}/remove", remove)


def _value(name: str, text: str) -> Any:
    try:
        return NUMBERS.get(name, str)(text)
    except ValueError:
        raise invalid(f"{name}: {text[:50]} is not a number.", name) from None
