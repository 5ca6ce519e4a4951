"""Time travel for one customer: Stripe's test clock and the workflow's clock move together, deadline by deadline.

At every stop Stripe goes first, its webhooks arrive, and the workflow follows, so that webhooks, timers, letters
and access fall where they would in real life. Only the local stack can do this: it is refused in production mode and
for customers without a test clock. A part that restarts on the way is waited for: each stride leads to a moment, so
that it can be repeated. The time skipping of Temporal is experimental and is used nowhere else.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.gateway import Stripe
from database import tables
from database.cache import open_cache
from lifecycle.subscription import Subscription
from local.due_timers import has_due_timer
from local.patience import is_away, patiently
from local.waiting import until
from settings import Settings
from workflows.door import workflow_id
from workflows.subscription import SubscriptionWorkflow

AFTER_A_DEADLINE = timedelta(minutes=61)
"""Stripe finalizes and charges an invoice about an hour after it drafted it; that hour is a stop of its own."""
SETTLES_WITHIN_SECONDS = 120.0

T = TypeVar("T")

_UNAPPLIED = text(
    "select exists (select from billing.events where user_id = :user_id and status in ('pending', 'delivered'))"
)


class CannotTravel(Exception):
    """This customer or this installation cannot travel in time; the message says why."""


class TimeTravel:
    """Moves customers of one local stack ahead."""

    def __init__(self, settings: Settings, client: Client, stripe_client: Stripe, engine: AsyncEngine) -> None:
        if settings.mode != "local" or not settings.stripe_api_url:
            raise CannotTravel("Only the local stack travels in time; this installation is not one.")
        self._settings = settings
        self._control = f"{settings.stripe_api_url}/_local"
        self._client = client
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        self._stripe = stripe_client
        self._engine = engine

    async def now(self, user_id: str) -> datetime:
        """The customer's own time."""
        where = select(tables.customers.c.clock_offset_seconds).where(tables.customers.c.user_id == user_id)

        async def read() -> int:
            async with self._engine.connect() as connection:
                return (await connection.execute(where)).scalar() or 0

        return datetime.now(UTC) + timedelta(seconds=await _asked(read))

    async def fast_forward(self, user_id: str, duration: timedelta) -> list[datetime]:
        """Move one customer ahead by ``duration``; answers the stops that were made on the way."""
        if duration <= timedelta(0):
            raise CannotTravel("Time goes forward only; give a duration such as 30d or 12h.")
        target = await self.now(user_id) + duration
        return [stop async for stop in self._stops(user_id, target)]

    async def pass_by(self, user_id: str, duration: timedelta) -> None:
        """Time goes by while no worker works: Stripe moves on, and nobody here acts. At most two periods at once."""
        moment = await self.now(user_id) + duration
        await self._set_clock(user_id, moment)
        await self._advance_stripe(user_id, moment)

    async def catch_up(self, user_id: str, duration: timedelta) -> None:
        """The workflow's own clock follows what `pass_by` has skipped, once a worker works again."""
        await self.settle(user_id)
        await self._advance_workflow(user_id, await _asked(lambda: self._workflow_time(user_id)) + duration)
        await self.settle(user_id)

    async def settle(self, user_id: str) -> None:
        """Wait until all that is under way for this customer has arrived: webhooks, ledger, workflow."""
        await until(lambda: self._is_settled(user_id), within=SETTLES_WITHIN_SECONDS, what=f"{user_id} is not at rest")

    async def _stops(self, user_id: str, target: datetime) -> AsyncIterator[datetime]:
        await self.settle(user_id)
        here, ahead = await self.now(user_id), {target}
        while here < target:
            ahead |= await _asked(lambda: self._moments(user_id))
            ahead = {moment for moment in ahead if here < moment <= target}
            stop = min(ahead, default=target)
            await self._step(user_id, stop, stop - here)
            yield stop
            here = max(stop, await self.now(user_id))

    async def _step(self, user_id: str, stop: datetime, stride: timedelta) -> None:
        goal = await _asked(lambda: self._workflow_time(user_id)) + stride
        await _asked(lambda: self._set_clock(user_id, stop))
        await _asked(lambda: self._advance_stripe(user_id, stop))
        await self.settle(user_id)
        await _asked(lambda: self._advance_workflow(user_id, goal))
        await self.settle(user_id)

    async def _moments(self, user_id: str) -> set[datetime]:
        """Every known deadline, and an hour after each."""
        state = await self._state(user_id)
        known = state.deadlines if state else []
        return {moment + pause for moment in known for pause in (timedelta(0), AFTER_A_DEADLINE)}

    async def _set_clock(self, user_id: str, moment: datetime) -> None:
        offset = max(0, round((moment - datetime.now(UTC)).total_seconds()))
        row = insert(tables.customers).values(user_id=user_id, clock_offset_seconds=offset)
        async with self._engine.begin() as connection:
            await connection.execute(
                row.on_conflict_do_update(index_elements=["user_id"], set_={"clock_offset_seconds": offset})
            )
        async with open_cache(self._settings) as cache:
            await cache.changed(user_id)

    async def _advance_stripe(self, user_id: str, moment: datetime) -> None:
        where = select(tables.customers).where(tables.customers.c.user_id == user_id)
        async with self._engine.connect() as connection:
            customer = (await connection.execute(where)).one_or_none()
        if customer is None or customer.stripe_customer_id is None:
            return
        if customer.test_clock_id is None:
            raise CannotTravel(f"{user_id} has no test clock at Stripe and lives on the wall clock.")
        clocks, clock_id, target = self._stripe.v1.test_helpers.test_clocks, customer.test_clock_id, moment.timestamp()
        clock = await clocks.retrieve_async(clock_id)
        if clock.status == "ready" and clock.frozen_time < int(target):
            await clocks.advance_async(clock_id, {"frozen_time": int(target)})

        async def is_ready() -> bool:
            return (await clocks.retrieve_async(clock_id)).status == "ready"

        await until(is_ready, within=SETTLES_WITHIN_SECONDS, what="Stripe's clock is still advancing")

    async def _workflow_time(self, user_id: str) -> datetime:
        """By the workflow's own clock, which began at the wall clock's; without a workflow the wall clock's."""
        handle = self._handle(user_id)
        return await self._skipper.get_current_time(handle) if await self._is_running(handle) else datetime.now(UTC)

    async def _advance_workflow(self, user_id: str, goal: datetime) -> None:
        handle = self._handle(user_id)
        if not await self._is_running(handle):
            return
        stride = goal - await self._skipper.get_current_time(handle)
        if stride > timedelta(0):
            await self._skipper.fast_forward(handle, stride)

    async def _is_settled(self, user_id: str) -> bool:
        try:
            return await self._has_arrived(user_id)
        except Exception as error:
            if not is_away(error):
                raise
            return False

    async def _has_arrived(self, user_id: str) -> bool:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            if not (await http.get(f"{self._control}/idle")).json()["idle"]:
                return False
        async with self._engine.connect() as connection:
            if (await connection.execute(_UNAPPLIED, {"user_id": user_id})).scalar():
                return False
        return await self._is_at_rest(self._handle(user_id))

    async def _is_at_rest(self, handle: WorkflowHandle[SubscriptionWorkflow, str]) -> bool:
        try:
            description = (await handle.describe()).raw_description
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return True
            raise
        if description.pending_activities or description.HasField("pending_workflow_task"):
            return False
        if description.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
            return True
        return not await has_due_timer(self._client, handle, await self._skipper.get_current_time(handle))

    async def _is_running(self, handle: WorkflowHandle[SubscriptionWorkflow, str]) -> bool:
        try:
            found = (await handle.describe()).raw_description.workflow_execution_info
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return found.status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING

    async def _state(self, user_id: str) -> Subscription | None:
        handle = self._handle(user_id)
        return await handle.query(SubscriptionWorkflow.state) if await self._is_running(handle) else None

    def _handle(self, user_id: str) -> WorkflowHandle[SubscriptionWorkflow, str]:
        return self._client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(user_id))


async def _asked(ask: Callable[[], Awaitable[T]]) -> T:
    return await patiently(ask, within=SETTLES_WITHIN_SECONDS, what="a part of the stack does not answer")


def parse_duration(words: str) -> timedelta:
    """``30d``, ``12h``, ``90m``, ``45s``, ``2w`` or a sum such as ``1d12h``; raises `ValueError` for anything else."""
    units = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    total, number = timedelta(0), ""
    for letter in words.strip().lower():
        if letter.isdigit():
            number += letter
        elif letter in units and number:
            total, number = total + timedelta(**{units[letter]: int(number)}), ""
        else:
            raise ValueError(f"{words!r} is no duration; write 30d, 12h or 1d12h")
    if number or not total:
        raise ValueError(f"{words!r} is no duration; write 30d, 12h or 1d12h")
    return total
