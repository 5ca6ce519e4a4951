"""Keeping what was promised: commands that were answered with 202 are asked again until it is known how they ended.

Under the same operation a command is carried out once: the update has the operation's id, and the workflow remembers
outcomes. After a 503 nobody asks again by himself: the client was told to, and may have changed its mind.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from database.operations import refuse_operation
from database.promises import Promise, take_promises
from lifecycle.intents import Outcome, Request
from lifecycle.refusals import Refusal

BATCH = 20
MOST_BATCHES = 20
DEADLINE_SECONDS = 5.0
"""It need not be done by then: a workflow that has accepted it has it in its history."""

_log = structlog.get_logger(__name__)


class Door(Protocol):
    """See `workflows.door.Door`."""

    async def ask(self, user_id: str, request: Request, deadline: float) -> Outcome | None: ...


async def ask_once(door: Door, engine: AsyncEngine, user_id: str, request: Request, deadline: float) -> Outcome | None:
    """Ask a workflow, and close the operation when it refuses at the door: such a refusal is in no history."""
    try:
        return await door.ask(user_id, request, deadline)
    except Refusal as refusal:
        return await refuse_operation(engine, UUID(request.operation_id), refusal)


class Promises:
    """An activity of the sweep."""

    def __init__(self, engine: AsyncEngine, door: Door) -> None:
        self._engine = engine
        self._door = door

    @activity.defn(name="promises.keep")
    async def keep(self) -> int:
        """Ask for everything again that was promised and is pending for a while; answers how many have ended."""
        ended = 0
        for _ in range(MOST_BATCHES):
            batch = await take_promises(self._engine, BATCH)
            if not batch:
                break
            by_user: dict[str, list[Promise]] = {}
            for promise in batch:
                by_user.setdefault(promise.user_id, []).append(promise)
            ended += sum(await asyncio.gather(*map(self._keep_in_order, by_user.values())))
        return ended

    async def _keep_in_order(self, of_one_user: Sequence[Promise]) -> int:
        """Who left and came back must not come back and leave."""
        return sum([await self._has_ended(promise) for promise in of_one_user])

    async def _has_ended(self, promise: Promise) -> bool:
        activity.heartbeat()
        try:
            request = Request(str(promise.operation_id), promise.intent())
            outcome = await ask_once(self._door, self._engine, promise.user_id, request, DEADLINE_SECONDS)
        except Exception as error:  # one that cannot be asked must not stop the others; it is asked again next time
            _log.warning("promise_waits", operation_id=str(promise.operation_id), reason=type(error).__name__)
            return False
        return outcome is not None
