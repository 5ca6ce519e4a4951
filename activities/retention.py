"""How long rows are kept that nobody asks for any more, so that tables do not grow for ever.

The timeline, letters and customers stay: they are the customers' history.
"""

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from settings import Settings

BATCH = 1_000
"""Rows deleted in one transaction: none is long enough to be in anybody's way."""

_EVENTS = text(
    """
    delete from billing.events where id in (
        select id from billing.events
        where received_at < now() - make_interval(days => :days) and status in ('applied', 'ignored', 'orphan')
        limit :batch
    )
    """
)
_OPERATIONS = text(
    """
    delete from billing.operations where id in (
        select id from billing.operations
        where created_at < now() - make_interval(days => :days) and not (status = 'pending' and promised_at is not null)
        limit :batch
    )
    """
)


class Retention:
    """An activity of every day."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    @activity.defn(name="retention.discard")
    async def discard(self) -> dict[str, int]:
        """Delete events that are dealt with and operations that nobody will repeat; answers how many of each.

        What waits, and what was promised and is not done, is never deleted.
        """
        return {
            "events": await self._delete(_EVENTS, self._settings.events_kept_days),
            "operations": await self._delete(_OPERATIONS, self._settings.operations_kept_days),
        }

    async def _delete(self, statement: TextClause, days: int) -> int:
        total, deleted = 0, BATCH
        while deleted == BATCH:
            activity.heartbeat(total)
            async with self._engine.begin() as connection:
                deleted = (await connection.execute(statement, {"days": days, "batch": BATCH})).rowcount
            total += deleted
        return total
