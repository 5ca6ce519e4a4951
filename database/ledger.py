"""The ledger of Stripe's events: every event once, for ever, written many at a time.

Requests wait on one writer that inserts all queued entries in one statement and one commit (group commit), so a burst
costs few commits and an acknowledgement still means: it is on disk.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import orjson
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import telemetry
from database.entries import Entry

LARGEST_BATCH = 500
LONGEST_QUEUE = 10_000
BATCH_TIMEOUT_SECONDS = 10.0
KEEP_CONNECTION_SECONDS = 0.5

log = structlog.get_logger(__name__)

_INSERT = text(
    """
    insert into billing.events as known (
        id, type, created_at, api_version, livemode, object_id,
        stripe_customer_id, stripe_subscription_id, user_id, status
    )
    select seen.id, seen.type, seen.created_at, seen.api_version, seen.livemode, seen.object_id,
        seen.stripe_customer_id, seen.stripe_subscription_id, coalesce(seen.user_id, known_customer.user_id),
        case
            when not seen.wakes then 'ignored'
            when coalesce(seen.user_id, known_customer.user_id) is null then 'orphan'
            else 'pending'
        end
    from json_to_recordset(cast(:entries as json)) as seen (
        id text, type text, created_at timestamptz, api_version text, livemode boolean, object_id text,
        stripe_customer_id text, stripe_subscription_id text, user_id text, wakes boolean
    )
    left join lateral (  -- one look into the index an event, also when the batch is large
        select user_id from billing.customers
        where stripe_customer_id = seen.stripe_customer_id and seen.user_id is null
        limit 1
    ) as known_customer on true
    order by seen.id  -- two processes that insert the same events take turns in the same order, so none deadlocks
    on conflict (id) do nothing
    returning known.id, known.status
    """
)  # one JSON text for all rows costs the program a fifth of ten arrays


class LedgerAway(Exception):
    """The event could not be put on disk now; whoever sent it must send it again."""


async def insert_entries(connection: AsyncConnection, entries: Sequence[Entry]) -> dict[str, str]:
    """Insert the entries that are not there yet, in one statement; returns the status of each new id.

    ``pending``: somebody must act and the owner is known (named by the event, else found by customer id);
    ``orphan``: no owner; ``ignored``: nothing to do.
    """
    rows = await connection.execute(_INSERT, {"entries": orjson.dumps(entries).decode()})
    return dict(rows.all())


@dataclass(frozen=True)
class _Waiting:
    entry: Entry
    new: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Ledger:
    """The door's side of the ledger. It writes only while `writing` is entered."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # one statement is a transaction
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(LONGEST_QUEUE)
        self._connection: AsyncConnection | None = None

    async def record(self, entry: Entry) -> bool:
        """Put an event on disk; True when it is new, False when it was there. Raises `LedgerAway`."""
        waiting = _Waiting(entry)
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise LedgerAway("too many events are waiting") from None
        return await waiting.new

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Run the writer meanwhile; at the end, what is queued is still written."""
        writer = asyncio.create_task(self._write_for_ever(), name="ledger writer")
        try:
            yield
        finally:
            await self._queue.join()
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            await self._let_go()

    async def _write_for_ever(self) -> None:
        while True:
            batch = await self._next_batch()
            try:
                await self._write(batch)
            except Exception:  # a bug here must not leave every later request waiting for a writer that is gone
                log.exception("ledger_writer_broke")
            finally:
                _settle(batch, LedgerAway("the event could not be stored"))
                for _ in batch:
                    self._queue.task_done()

    async def _next_batch(self) -> list[_Waiting]:
        """All that wait, as soon as somebody does; a connection that nobody needs meanwhile goes back to the pool."""
        try:
            async with asyncio.timeout(KEEP_CONNECTION_SECONDS if self._connection else None):
                batch = [await self._queue.get()]
        except TimeoutError:
            await self._let_go()
            batch = [await self._queue.get()]
        await asyncio.sleep(0)  # who arrived in the same moment comes along
        while len(batch) < LARGEST_BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            statuses = await self._insert([waiting.entry for waiting in batch])
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            if len(batch) > 1 and _is_refused(error):
                for waiting in batch:  # one row that PostgreSQL refuses must not sink its neighbours
                    await self._write([waiting])
                    _settle([waiting], LedgerAway("the event could not be stored"))
                return
            log.error("event_not_stored", events=len(batch), first=batch[0].entry.id, reason=type(error).__name__)
            telemetry.WEBHOOKS.labels("away").inc(len(batch))
            return
        for waiting in batch:
            status = statuses.pop(waiting.entry.id, None)
            telemetry.webhook_stored(status)
            if not waiting.new.done():  # the request may have gone meanwhile
                waiting.new.set_result(status is not None)

    async def _insert(self, entries: Sequence[Entry]) -> dict[str, str]:
        """In a burst the connection is kept: taking one from the pool, tested, costs more than the insert."""
        try:
            async with asyncio.timeout(BATCH_TIMEOUT_SECONDS):
                self._connection = self._connection or await self._engine.connect()
                return await insert_entries(self._connection, entries)
        except BaseException:
            await self._let_go()
            raise

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _is_refused(error: Exception) -> bool:
    """PostgreSQL (or its driver) would not take this data, as opposed to: nobody answered."""
    return isinstance(error, DBAPIError) and not isinstance(error, (OperationalError, InterfaceError))


def _settle(batch: Sequence[_Waiting], error: LedgerAway) -> None:
    for waiting in batch:
        if not waiting.new.done():
            waiting.new.set_exception(error)
