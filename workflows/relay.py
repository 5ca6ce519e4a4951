"""The relay: hands events of the ledger to workflows, those of one customer in one signal, until each is delivered."""

import asyncio
import contextlib
from collections.abc import Sequence
from itertools import groupby

import structlog
from sqlalchemy import Row, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from lifecycle.events import EventHint
from settings import Settings
from workflows.carried import first_of_life
from workflows.door import workflow_id
from workflows.subscription import SubscriptionWorkflow

BATCH = 500
PAUSE_WHEN_AWAY_SECONDS = 2.0

_log = structlog.get_logger(__name__)

_DUE = text(
    """
    select events.id, events.type, events.user_id, events.stripe_subscription_id,
        subscriptions.status in ('canceled', 'incomplete_expired')
            and subscriptions.stripe_subscription_id = events.stripe_subscription_id as is_over,
        subscriptions.status not in ('canceled', 'incomplete_expired') as lives
    from billing.events
    left join billing.subscriptions using (user_id)
    where events.status = 'pending' and events.user_id in (
        select user_id from billing.events
        where status = 'pending' and received_at <= now() - make_interval(secs => :window)
        order by received_at limit :batch
    )
    order by events.user_id, events.received_at
    limit :batch
    for update of events skip locked
    """
)
_WAITING = text("select exists (select from billing.events where status = 'pending')")
_MARK = text(
    """
    update billing.events set status = done.status, delivered_at = now()
    from unnest(cast(:ids as text[]), cast(:statuses as text[])) as done (id, status)
    where events.id = done.id
    """
)
_FIND_OWNERS = text(
    """
    update billing.events set status = 'pending', user_id = customers.user_id
    from billing.customers
    where events.status = 'orphan' and customers.stripe_customer_id = events.stripe_customer_id
    """
)


Event = Row[tuple[object, ...]]


class Relay:
    """Runs in every API process for speed, and as an activity in the sweep for certainty."""

    def __init__(self, engine: AsyncEngine, client: Client, settings: Settings) -> None:
        self._engine = engine
        self._client = client
        self._task_queue = settings.temporal_task_queue
        self._window = settings.relay_window_ms / 1000
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is a new row; costs nothing."""
        self._news.set()

    async def run(self) -> None:
        """Deliver what comes, for ever; what cannot be delivered now stays pending."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                while await self._waiting():
                    await asyncio.sleep(self._window)
                    await self.deliver()
            except (SQLAlchemyError, OSError, RPCError, TimeoutError) as error:
                _log.warning("relay_waits", reason=type(error).__name__)
                await asyncio.sleep(PAUSE_WHEN_AWAY_SECONDS)
                self._news.set()

    @activity.defn(name="relay.sweep")
    async def sweep(self) -> int:
        """Find owners for orphans, then deliver all that waits, however new; answers how many events were delivered."""
        async with self._engine.begin() as connection:
            await connection.execute(_FIND_OWNERS)
        delivered = 0
        while count := await self.deliver(window=0):
            delivered += count
            with contextlib.suppress(RuntimeError):  # outside an activity there is nobody to tell
                activity.heartbeat(delivered)
        return delivered

    async def deliver(self, window: float | None = None) -> int:
        """One batch: every customer whose oldest event has waited for the window, with all of that customer's events.

        The rows stay locked until the signals are out; after a crash in between they are signaled again, which
        costs one more look and changes nothing.
        """
        seconds = self._window if window is None else window
        async with self._engine.begin() as connection:
            due = (await connection.execute(_DUE, {"window": seconds, "batch": BATCH})).all()
            owners = [list(rows) for _, rows in groupby(due, key=lambda row: row.user_id)]
            statuses = await asyncio.gather(*(self._signal(rows) for rows in owners))
            await self._mark(connection, owners, statuses)
        failed = statuses.count(None)
        if failed:
            raise TimeoutError(f"{failed} customers could not be signaled")
        return len(due)

    async def _mark(
        self,
        connection: AsyncConnection,
        owners: Sequence[Sequence[Event]],
        statuses: Sequence[str | None],
    ) -> None:
        done = [(row.id, status) for rows, status in zip(owners, statuses, strict=True) if status for row in rows]
        if done:
            ids, marks = zip(*done, strict=True)
            await connection.execute(_MARK, {"ids": list(ids), "statuses": list(marks)})

    async def _signal(self, rows: Sequence[Event]) -> str | None:
        """Tell one workflow; a life that is over is not begun again by events about its past. None: not now."""
        hints = [EventHint(row.id, row.type, row.stripe_subscription_id) for row in rows]
        begins = any(row.lives or (row.stripe_subscription_id and not row.is_over) for row in rows)
        try:
            if begins:
                await self._signal_with_start(rows[0].user_id, hints)
            else:
                handle = self._client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(rows[0].user_id))
                await handle.signal(SubscriptionWorkflow.stripe_events, hints)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return "ignored"
            _log.warning("signal_failed", user_id=rows[0].user_id, reason=error.status.name)
            return None
        return "delivered"

    async def _signal_with_start(self, user_id: str, hints: list[EventHint]) -> None:
        await self._client.start_workflow(
            SubscriptionWorkflow.run,
            first_of_life(user_id),
            id=workflow_id(user_id),
            task_queue=self._task_queue,
            start_signal="stripe_events",
            start_signal_args=[hints],
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="One customer's subscription, from the first click to the end",
        )

    async def _waiting(self) -> bool:
        async with self._engine.connect() as connection:
            return bool((await connection.execute(_WAITING)).scalar())
