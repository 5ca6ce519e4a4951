"""Time, and whether everything has come to rest.

``GET /_local/idle?test_clock=&endpoint=``
    {idle, pending_webhooks, advancing, next}: is everything delivered and at rest? ``next`` is the next deadline of the
    clock asked for, else of the wall clock.
``GET, POST /_local/wall_clock`` {advance_seconds}
    {now, ahead_seconds}: the wall clock of this Stripe, which can be moved ahead of the real one and never back. On it
    live customers without a test clock, the 24 hours of an idempotency key, the retries of webhooks and the 30 days
    of an event. Signatures always carry the real time.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .clocks import Clocks
from .control_protocol import body_of, reply
from .delivery import Deliveries
from .protocol.errors import invalid
from .world import World

CENTURY = 100 * 366 * 86400


class ControlTime:
    def __init__(self, world: World, clocks: Clocks, deliveries: Deliveries) -> None:
        self.world, self.clocks, self.deliveries = world, clocks, deliveries

    def routes(self) -> list[Route]:
        return [
            Route("/_local/idle", self.idle, methods=["GET"]),
            Route("/_local/wall_clock", self.wall_clock, methods=["GET", "POST"]),
        ]

    async def idle(self, request: Request) -> Response:
        clock, endpoint = request.query_params.get("test_clock"), request.query_params.get("endpoint")
        pending = [one for one in self.deliveries.outstanding.values() if endpoint in (None, one.endpoint)]
        advancing = [
            one["id"]
            for one in self.world.store.kinds.get("test_helpers.test_clock", {}).values()
            if one["status"] == "advancing" and clock in (None, one["id"])
        ]
        deadline = self.world.deadlines.next(clock)
        return reply(
            {
                "idle": not pending and not advancing,
                "pending_webhooks": len(pending),
                "advancing": advancing,
                "next": deadline["at"] if deadline else None,
            }
        )

    async def wall_clock(self, request: Request) -> Response:
        if request.method == "POST":
            seconds = (await body_of(request)).get("advance_seconds")
            if not isinstance(seconds, int) or not 0 < seconds <= CENTURY:
                raise invalid("advance_seconds: a whole number of seconds is needed; time goes forward only.")
            await self.clocks.advance_wall(seconds)
            self.deliveries.queue.changed.set()
        return reply({"now": int(self.world.wall.now()), "ahead_seconds": self.world.wall.ahead})
