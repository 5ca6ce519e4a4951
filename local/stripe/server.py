"""The local Stripe as a program: an application, and a way to serve it on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .api import API
from .call_faults import ConnectionReset
from .clocks import Clocks
from .control import Control
from .control_protocol import refused
from .delivery import Deliveries
from .pages import dashboard, site
from .protocol.errors import StripeError
from .recording import Recording
from .world import World

HOST = "127.0.0.1"


def create_app(directory: Path, *, url: str, fresh: bool = False) -> Starlette:
    """A local Stripe that keeps its state in a directory; ``url`` is where it is reached."""
    world = World(directory, fresh)
    world.url = url
    recording = Recording()
    api, clocks = API(world, recording), Clocks(world)
    deliveries = Deliveries(world, api.faults)
    # The recording listens first: afterwards the log lets go of bodies that nobody waits for.
    world.events.listeners.insert(0, recording.happened)

    async def answer(request: Request) -> Response:
        try:
            response = await api.answer(request)
        except ConnectionReset:
            return Reset()
        if request.url.path.endswith("/advance"):
            clocks.pick_up()
        if request.url.path.startswith("/v1/webhook_endpoints/"):
            deliveries.review()
        return response

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await deliveries.start()
        await clocks.start()
        yield
        await clocks.stop()
        await deliveries.stop()
        world.journal.close()

    methods = ["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"]
    routes = Control(world, api, clocks, deliveries).routes()
    pages = site(world)
    dashboard.register(pages, api, clocks, deliveries)
    routes += pages.routes
    routes += [Route("/healthz", healthy), Route("/{path:path}", answer, methods=methods)]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={StripeError: refused})


async def healthy(_: Request) -> Response:
    return Response("ok")


class Reset(Response):
    """Closes the connection without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # ASGI has no word for this, so reach for the transport of uvicorn's request cycle.
        cycle = getattr(receive, "__self__", None)
        cycle.transport.abort()  # type: ignore[union-attr]
        while not cycle.disconnected:  # type: ignore[union-attr]  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)


def serve(port: int, directory: Path, *, fresh: bool = False, log_level: str = "warning") -> None:
    """Serve until SIGTERM or SIGINT."""
    app = create_app(directory, url=f"http://{HOST}:{port}", fresh=fresh)
    uvicorn.run(app, host=HOST, port=port, log_level=log_level, access_log=False, timeout_graceful_shutdown=2)
