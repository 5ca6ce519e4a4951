"""Import: workflows that begin in the middle of a life, for subscriptions that were sold before we were there."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.importing import PAGE
from database.importing import Notes
from database.reconciliation import rows_of_subscriptions
from lifecycle.events import IMPORTED, EventHint
from workflows.signals import signal_with_start

AT_ONCE = 10
ADOPTED_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Adopted:
    """One page: which are ours now, and which have been told and are not written down yet."""

    adopted: list[str]
    waiting: list[str]


class Importer:
    """Adopts what a survey found adoptable, a page at a time, and waits for each page before the next."""

    def __init__(self, engine: AsyncEngine, client: Client, task_queue: str, *, rate: float) -> None:
        """``rate``: at most so many subscriptions a second; each costs Stripe a read or two."""
        self._engine = engine
        self._client = client
        self._task_queue = task_queue
        self._rate = rate
        self._few = asyncio.Semaphore(AT_ONCE)

    async def adopt(self, notes: Notes) -> AsyncIterator[Adopted]:
        """All of them. What is ours already is not among them, so a second run goes on where the first stopped."""
        async for page in notes.pages(PAGE):
            adoptable = [row for row in page if row["refusal"] is None and not row["is_done"]]
            if adoptable:
                began = time.monotonic()
                yield await self._adopt_page(adoptable)
                await asyncio.sleep(max(0.0, len(adoptable) / self._rate - (time.monotonic() - began)))

    async def _adopt_page(self, page: Sequence[RowMapping]) -> Adopted:
        await asyncio.gather(*map(self._tell, page))
        waiting = {row["subscription_id"] for row in page}
        until = time.monotonic() + ADOPTED_WITHIN_SECONDS
        while waiting and time.monotonic() < until:
            waiting -= set(await rows_of_subscriptions(self._engine, list(waiting)))
            if waiting:
                await asyncio.sleep(0.1)
        adopted = [row["subscription_id"] for row in page if row["subscription_id"] not in waiting]
        return Adopted(adopted, sorted(waiting))

    async def _tell(self, row: RowMapping) -> None:
        hint = EventHint(f"import/{row['subscription_id']}", IMPORTED, row["subscription_id"])
        async with self._few:
            await signal_with_start(self._client, self._task_queue, row["user_id"], [hint])
