"""Import: workflows that begin in the middle of a life, for subscriptions that were sold before we were there."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.importing import PAGE
from database.importing import Notes
from database.reconciliation import rows_of_subscriptions
from lifecycle.events import IMPORTED, EventHint
from workflows.signals import signal_with_start

UNDER_WAY = 32
"""So many are told and not written down at any time: enough to keep a worker busy, too few to make its saves wait.

A save that a busy worker cannot begin within seconds is done as an activity of its own, which costs as much again.
"""
ADOPTED_WITHIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Adopted:
    """What has come of some: which are ours now, and which were told long ago and are not written down yet."""

    adopted: list[str]
    waiting: list[str]


class Importer:
    """Adopts what a survey found adoptable: as one is written down, the next is told."""

    def __init__(self, engine: AsyncEngine, client: Client, task_queue: str, *, rate: float) -> None:
        """``rate``: at most so many subscriptions a second; each costs Stripe a read or two."""
        self._engine = engine
        self._client = client
        self._task_queue = task_queue
        self._rate = rate
        self._told: dict[str, float] = {}

    async def adopt(self, notes: Notes) -> AsyncIterator[Adopted]:
        """All of them. What is ours already is not among them, so a second run goes on where the first stopped."""
        async for page in notes.pages(PAGE):
            adoptable = [row for row in page if row["refusal"] is None and not row["is_done"]]
            while adoptable:
                began, free = time.monotonic(), UNDER_WAY - len(self._told)
                now, adoptable = adoptable[:free], adoptable[free:]
                await asyncio.gather(*map(self._tell, now))
                yield await self._look()
                await asyncio.sleep(max(0.0, len(now) / self._rate - (time.monotonic() - began)))
        while self._told:
            yield await self._look()

    async def _look(self) -> Adopted:
        """Which are written down meanwhile; one that takes too long is waited for no more."""
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        ours = list(await rows_of_subscriptions(self._engine, list(self._told)))
        too_long = time.monotonic() - ADOPTED_WITHIN_SECONDS
        late = [told for told, at in self._told.items() if told not in ours and at < too_long]
        for told in (*ours, *late):
            del self._told[told]
        return Adopted(ours, late)

    async def _tell(self, row: RowMapping) -> None:
        hint = EventHint(f"import/{row['subscription_id']}", IMPORTED, row["subscription_id"])
        await signal_with_start(self._client, self._task_queue, row["user_id"], [hint])
        self._told[row["subscription_id"]] = time.monotonic()
