"""Events that Stripe made and never delivered: fetched from its Events API and put into the ledger like any other."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from database import tables
from database.entries import MalformedEvent, read_entry
from database.ledger import insert_entries

PAGE = 100
MOST_PAGES = 50
_CURSOR = "stripe_events"


class CatchUp:
    """Reads Stripe's events in the order they were made. https://docs.stripe.com/api/events/list (kept 30 days)"""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine) -> None:
        self._stripe = stripe_client
        self._engine = engine

    @activity.defn(name="events.catch_up")
    async def catch_up(self) -> int:
        """Put what is missing into the ledger; answers how many events were new to us."""
        missing = 0
        for _ in range(MOST_PAGES):
            cursor = await self._cursor()
            page = await self._after(cursor)
            if not page:
                break
            missing += await self._keep(page)
            activity.heartbeat(missing)
        return missing

    async def _after(self, cursor: str | None) -> list[object]:
        """Up to a hundred events after the cursor, oldest first; without one, the newest that there are."""
        try:
            with answers():
                if cursor:
                    listed = await self._stripe.v1.events.list_async({"limit": PAGE, "ending_before": cursor})
                else:
                    listed = await self._stripe.v1.events.list_async({"limit": PAGE})
        except StripeRefused as refusal:
            if cursor and refusal.code == "resource_missing":  # older than Stripe keeps
                return await self._after(None)
            raise
        return [event.to_dict() for event in reversed(listed.data)]

    async def _keep(self, page: list[object]) -> int:
        entries = []
        for event in page:
            try:
                entries.append(read_entry(event))
            except MalformedEvent:
                activity.logger.warning("an event of Stripe's could not be read")
        async with self._engine.begin() as connection:
            new = await insert_entries(connection, entries)
            if entries:
                await self._move_cursor(connection, entries[-1].id)
        return len(new)

    async def _cursor(self) -> str | None:
        where = select(tables.cursors.c.position).where(tables.cursors.c.name == _CURSOR)
        async with self._engine.connect() as connection:
            position: str | None = (await connection.execute(where)).scalar()
        return position

    async def _move_cursor(self, connection: AsyncConnection, position: str) -> None:
        row = insert(tables.cursors).values(name=_CURSOR, position=position)
        await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"position": position}))
