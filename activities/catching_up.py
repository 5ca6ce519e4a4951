"""Events that Stripe made and never delivered: fetched from its Events API and put into the ledger like any other."""

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import stripe
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from database import tables
from database.entries import MalformedEvent, read_entry
from database.ledger import insert_entries

if TYPE_CHECKING:
    from stripe.params import EventListParams

PAGE = 100
MOST_PAGES = 50
SETTLED_AFTER_SECONDS = 600
"""How long an event may still appear before others that we have read: younger ones are read again the next time."""
_CURSOR = "stripe_events"

Page = list[stripe.Event]


class CatchUp:
    """Reads Stripe's events in the order they were made. https://docs.stripe.com/api/events/list (kept 30 days)"""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine) -> None:
        self._stripe = stripe_client
        self._engine = engine

    @activity.defn(name="events.catch_up")
    async def catch_up(self) -> int:
        """Put what is missing into the ledger; answers how many events were new to us."""
        missing, pages = 0, 0
        async for page in self._pages():
            missing, pages = missing + await self._keep(page), pages + 1
            activity.heartbeat(missing)
            if pages == MOST_PAGES:
                await self._remember(page[-1].id)  # go on there the next time, however young it is
                break
        return missing

    async def _pages(self) -> AsyncIterator[Page]:
        """Pages of events after the cursor, each oldest first; without a cursor, all that Stripe still has."""
        place = await self._cursor()
        if place is None or not await self._is_known(place):
            oldest_first = [page async for page in self._back_to_the_beginning()][::-1]
            for page in oldest_first:
                yield page
            place = oldest_first[-1][-1].id if oldest_first else None
        while place and (page := await self._list({"ending_before": place})):
            yield page
            place = page[-1].id

    async def _back_to_the_beginning(self) -> AsyncIterator[Page]:
        """Nothing is remembered on this way: a cursor at a young event would hide the older ones for ever."""
        page = await self._list()
        for _ in range(MOST_PAGES - 1):
            if not page:
                return
            yield page
            page = await self._list({"starting_after": page[0].id})

    async def _is_known(self, event_id: str) -> bool:
        try:
            with answers():
                await self._stripe.v1.events.retrieve_async(event_id)
        except StripeRefused as refusal:
            if refusal.code == "resource_missing":  # older than Stripe keeps
                return False
            raise
        return True

    async def _list(self, place: "EventListParams | None" = None) -> Page:
        """Up to a hundred events, oldest first. Each call is a sign of life: the first run makes dozens of them."""
        activity.heartbeat()
        params: EventListParams = {"limit": PAGE, **(place or {})}
        with answers():
            return (await self._stripe.v1.events.list_async(params)).data[::-1]

    async def _keep(self, page: Page) -> int:
        """Into the ledger, and the cursor behind the last one that is settled.

        The cursor stays before younger events, and before those of customers who live ahead of the wall clock:
        Stripe lists by ``created``, so what happens to everybody else today would be listed behind them.
        """
        entries = []
        for event in page:
            try:
                entries.append(read_entry(event.to_dict()))
            except MalformedEvent:
                activity.logger.warning("an event of Stripe's could not be read")
        settled = [event.id for event in page if event.created <= time.time() - SETTLED_AFTER_SECONDS]
        async with self._engine.begin() as connection:
            new = await insert_entries(connection, entries)
            if settled:
                await self._move_cursor(connection, settled[-1])
        return len(new)

    async def _cursor(self) -> str | None:
        where = select(tables.cursors.c.position).where(tables.cursors.c.name == _CURSOR)
        async with self._engine.connect() as connection:
            position: str | None = (await connection.execute(where)).scalar()
        return position

    async def _remember(self, position: str) -> None:
        async with self._engine.begin() as connection:
            await self._move_cursor(connection, position)

    async def _move_cursor(self, connection: AsyncConnection, position: str) -> None:
        row = insert(tables.cursors).values(name=_CURSOR, position=position)
        await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"position": position}))
