"""What became of the webhooks, and what Stripe's dashboard does with them.

``GET /_local/webhooks/attempts?endpoint=&event=``
    {attempts}: the latest deliveries, oldest first, each with its HTTP status, or 0 and an error.
``POST /_local/events/{id}/resend`` {webhook_endpoint?}
    Delivers an event again, at once: to one endpoint, or to all that take its type.
``POST /_local/webhook_endpoints/{id}/roll_secret`` {expires_in_seconds?: 0 to 86400}
    A new signing secret, told once. Until the old one expires every delivery carries a ``v1`` for each of them
    (https://docs.stripe.com/webhooks#roll-endpoint-secrets).
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .control_protocol import body_of, reply
from .delivery import Deliveries
from .protocol.errors import invalid
from .resources import events, webhook_endpoints
from .world import World

DAY = 86400


class ControlWebhooks:
    def __init__(self, world: World, deliveries: Deliveries) -> None:
        self.world, self.deliveries = world, deliveries

    def routes(self) -> list[Route]:
        return [
            Route("/_local/webhooks/attempts", self.attempts, methods=["GET"]),
            Route("/_local/events/{id}/resend", self.resend, methods=["POST"]),
            Route("/_local/webhook_endpoints/{id}/roll_secret", self.roll_secret, methods=["POST"]),
        ]

    async def attempts(self, request: Request) -> Response:
        wanted = request.query_params
        found = self.deliveries.attempts.of(wanted.get("event"), wanted.get("endpoint"))
        return reply({"attempts": [one.as_json() for one in found]})

    async def resend(self, request: Request) -> Response:
        given = await body_of(request)
        params: dict[str, Any] = {name: given[name] for name in ("webhook_endpoint",) if name in given}
        with self.world.transaction():
            return reply(events.retry(self.world, request.path_params["id"], params))

    async def roll_secret(self, request: Request) -> Response:
        lasts = (await body_of(request)).get("expires_in_seconds", 0)
        if not isinstance(lasts, int) or not 0 <= lasts <= DAY:
            raise invalid("expires_in_seconds: a whole number from 0 to 86400 is needed.", "expires_in_seconds")
        with self.world.transaction():
            return reply(webhook_endpoints.roll_secret(self.world, request.path_params["id"], lasts))
