"""The lines out of the API: Temporal, which may be away when it starts, and Stripe's pages."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from activities.catalogue import Prices
from activities.customers import Customers
from activities.gateway import open_stripe
from activities.pages import Pages
from activities.previews import Previews
from api import parts
from api.parts import Outside
from lifecycle.intents import Outcome, Request
from lifecycle.plans import Catalogue
from settings import Settings
from workflows.connection import connect
from workflows.door import Door, Unavailable
from workflows.relay import Relay

HEALTH_TIMEOUT = timedelta(seconds=2)


@contextlib.asynccontextmanager
async def connect_outside(settings: Settings, engine: AsyncEngine, catalogue: Catalogue) -> AsyncIterator[Outside]:
    """Everything behind the API; nothing connects before it is used."""
    client = await connect(settings, lazy=True)

    async def temporal_answers() -> bool:
        return await is_up(client)

    async with open_stripe(settings) as stripe:
        customers, prices = Customers(stripe, engine, settings), Prices(stripe)
        yield Outside(
            door=LateDoor(Door(client, settings.temporal_task_queue)),
            pages=Pages(stripe, engine, customers, prices),
            relay=Relay(engine, client, settings),
            previews=Previews(stripe, customers, prices),
            temporal_answers=temporal_answers,
        )


class LateDoor:
    """A door whose Temporal may not have been there yet when the API started."""

    def __init__(self, door: parts.Door) -> None:
        self._door = door

    async def ask(self, user_id: str, request: Request, deadline: float) -> Outcome | None:
        """See `workflows.door.Door.ask`."""
        with _connecting():
            return await self._door.ask(user_id, request, deadline)


@contextlib.contextmanager
def _connecting() -> Iterator[None]:
    """A lazy client that cannot make its first connection says so with a bare RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("Failed client connect"):
            raise
        raise Unavailable("not connected yet") from None


async def is_up(client: Client) -> bool:
    """Whether Temporal's frontend serves."""
    try:
        return await client.service_client.check_health(timeout=HEALTH_TIMEOUT)
    except (RPCError, RuntimeError):  # a client that could not connect yet says so with a RuntimeError
        return False
