"""How the control API speaks: JSON in, JSON out, refusals in Stripe's form."""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .protocol.errors import StripeError, invalid
from .world import World, visible

JSON = dict[str, Any]


def reply(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def body_of(request: Request) -> JSON:
    """The JSON object that was sent; nothing is an empty one."""
    body = await request.body()
    try:
        given = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise invalid("The body must be a JSON object.")
    return given


def acted(world: World, act: Callable[[], JSON]) -> Response:
    """Changes an object of Stripe's, in a transaction, and shows it."""
    with world.transaction():
        shown = visible(act())
    return reply(shown)


async def refused(_: Request, refusal: Exception) -> Response:
    """For the application: what a handler raised, in Stripe's form."""
    assert isinstance(refusal, StripeError)
    return reply(refusal.body, refusal.status)
