"""The relay: hands events of the ledger to workflows, those of one customer in one signal, until each is delivered."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from database.deliveries import Event, claim_due, find_owners, mark_delivered, put_off, seconds_until_due
from lifecycle.events import EventHint, is_about_a_dispute, is_about_a_refund, is_about_an_abandoned_checkout
from lifecycle.plans import load_catalogue
from settings import Settings
from workflows.door import workflow_id
from workflows.signals import SIGNAL_TIMEOUT, signal_with_start
from workflows.subscription import SubscriptionWorkflow

PAUSE_WHEN_AWAY_SECONDS = 2.0
SHORTEST_PAUSE_SECONDS = 0.05

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Delivered:
    """How many events were handed over, and how many customers could not be told; those are tried again later."""

    events: int = 0
    failed: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(self.events + other.events, self.failed + other.failed)


class Relay:
    """Runs in every API process for speed, and as an activity in the sweep for certainty."""

    def __init__(self, engine: AsyncEngine, client: Client, settings: Settings) -> None:
        self._engine = engine
        self._client = client
        self._task_queue = settings.temporal_task_queue
        self._window = settings.relay_window_ms / 1000
        self._reminds = any(
            plan.policy.abandoned_checkout_reminder for plan in load_catalogue(settings.plans_file).plans
        )
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is a new row; costs nothing."""
        self._news.set()

    async def run(self) -> None:
        """Deliver what comes, for ever; what cannot be delivered now is tried again when its pause is over."""
        while True:
            self._news.clear()
            try:
                await self._deliver_next()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                _log.warning("relay_waits", reason=type(error).__name__)
                await asyncio.sleep(PAUSE_WHEN_AWAY_SECONDS)

    async def _deliver_next(self) -> None:
        """Wait for what is due next, and deliver it. Nothing new is due before the window is over."""
        pause = await seconds_until_due(self._engine, self._window)
        if pause is None or pause > self._window:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()
            return
        await asyncio.sleep(max(pause, SHORTEST_PAUSE_SECONDS))
        await self.deliver(self._window)

    @activity.defn(name="relay.sweep")
    async def sweep(self) -> Delivered:
        """Find owners for young orphans, then deliver all that is due, however new.

        Whoever becomes due meanwhile, again or for the first time, is left to the next time; so it comes to an end.
        """
        page = await find_owners(self._engine)
        while page:
            _heartbeat()
            page = await find_owners(self._engine, page)
        started, total = time.monotonic(), Delivered()
        while (delivered := await self.deliver(0, time.monotonic() - started)) != Delivered():
            total += delivered
            _heartbeat()
        return total

    async def deliver(self, window: float, overdue: float = 0) -> Delivered:
        """One batch: customers whose oldest event has waited for the window, with all of that customer's events."""
        due = await claim_due(self._engine, window, overdue)
        owners = [list(rows) for _, rows in groupby(due, key=lambda row: row.user_id)]
        statuses = await asyncio.gather(*map(self._signal, owners))
        done = [(row.id, status) for rows, status in zip(owners, statuses, strict=True) if status for row in rows]
        failed = [row.id for rows, status in zip(owners, statuses, strict=True) if status is None for row in rows]
        async with self._engine.begin() as connection:
            await mark_delivered(connection, done)
            await put_off(connection, failed)
        return Delivered(len(done), statuses.count(None))

    async def _signal(self, rows: Sequence[Event]) -> str | None:
        """Tell one workflow; a life that is over is not begun again by events about its past. None: not now.

        A dispute or a refund comes weeks after the payment, often after the customer has left; it is written down all
        the same, so it wakes a workflow for as long as that takes. So does a Checkout page that expired, where a plan's
        rule may want a reminder. Whatever goes wrong with one customer is no reason not to tell the others.
        """
        hints = [
            EventHint(
                row.id,
                row.type,
                row.stripe_subscription_id,
                dispute_id=row.object_id if is_about_a_dispute(row.type) else None,
                refund_id=row.object_id if is_about_a_refund(row.type) else None,
                session_id=row.object_id if is_about_an_abandoned_checkout(row.type) else None,
            )
            for row in rows
        ]
        begins = any(
            row.lives
            or is_about_a_dispute(row.type)
            or is_about_a_refund(row.type)
            or (self._reminds and is_about_an_abandoned_checkout(row.type))
            or (row.stripe_subscription_id and not row.is_over)
            for row in rows
        )
        tell = self._signal_with_start if begins else self._signal_if_running
        try:
            async with asyncio.timeout(SIGNAL_TIMEOUT.total_seconds()):
                await tell(rows[0].user_id, hints)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return "ignored"
            _log.warning("signal_failed", user_id=rows[0].user_id, reason=error.status.name)
            return None
        except Exception as error:
            _log.warning("signal_failed", user_id=rows[0].user_id, reason=type(error).__name__)
            return None
        return "delivered"

    async def _signal_if_running(self, user_id: str, hints: list[EventHint]) -> None:
        handle = self._client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(user_id))
        await handle.signal(SubscriptionWorkflow.stripe_events, hints, rpc_timeout=SIGNAL_TIMEOUT)

    async def _signal_with_start(self, user_id: str, hints: list[EventHint]) -> None:
        await signal_with_start(self._client, self._task_queue, user_id, hints)


def _heartbeat() -> None:
    with contextlib.suppress(RuntimeError):  # outside an activity there is nobody to tell
        activity.heartbeat()
