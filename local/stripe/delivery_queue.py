"""Whose turn it is: one line for each endpoint, and those that wait for their next try by the wall clock."""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .webhook_faults import CALM, Disturbance

if TYPE_CHECKING:
    from .world import World

BACK_OFF = (1, 2, 5, 10, 30, 60)
BACK_OFF_END = 300


@dataclass(eq=False)
class Delivery:
    event: str
    endpoint: str
    first: float
    """When it was due at first, by the wall clock."""
    attempts: int = 0
    disturbed: Disturbance = CALM

    @property
    def wait(self) -> float:
        return BACK_OFF[self.attempts - 1] if self.attempts <= len(BACK_OFF) else BACK_OFF_END


class DeliveryQueue:
    """Hands each delivery to ``attempt`` when it is due; those of one endpoint never at the same time."""

    def __init__(self, world: "World", attempt: Callable[[Delivery], Awaitable[None]]) -> None:
        self.world, self.attempt = world, attempt
        self.lines: dict[str, deque[Delivery]] = {}
        self.later: list[tuple[float, int, Delivery]] = []
        self.workers: dict[str, asyncio.Task[None]] = {}
        self.wake: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Event()
        self.started = False

    def add(self, delivery: Delivery, delay: float = 0) -> None:
        """Now, or after some seconds."""
        if delay:
            heapq.heappush(self.later, (self.world.wall.now() + delay, id(delivery), delivery))
            self.changed.set()
            return
        self.lines.setdefault(delivery.endpoint, deque()).append(delivery)
        if delivery.endpoint in self.wake:
            self.wake[delivery.endpoint].set()
        elif self.started:
            self._employ(delivery.endpoint)

    def hurry(self, delivery: Delivery) -> None:
        """One that waits for its next try is due now; one that is on its way is left alone."""
        waiting = [one for one in self.later if one[2] is not delivery]
        if len(waiting) < len(self.later):
            self.later = waiting
            heapq.heapify(self.later)
            self.add(delivery)

    async def start(self) -> None:
        self.started = True
        for endpoint in self.lines:
            self._employ(endpoint)
        self.workers["later"] = asyncio.create_task(self._wait())

    async def stop(self) -> None:
        for task in self.workers.values():
            task.cancel()
        await asyncio.gather(*self.workers.values(), return_exceptions=True)

    def _employ(self, endpoint: str) -> None:
        if endpoint not in self.workers:
            self.wake[endpoint] = asyncio.Event()
            self.workers[endpoint] = asyncio.create_task(self._work(endpoint))

    async def _work(self, endpoint: str) -> None:
        line = self.lines.setdefault(endpoint, deque())
        while True:
            while line:
                await self.attempt(line.popleft())
            self.world.journal.commit()
            self.wake[endpoint].clear()
            await self.wake[endpoint].wait()

    async def _wait(self) -> None:
        while True:
            self.changed.clear()
            now = self.world.wall.now()
            while self.later and self.later[0][0] <= now:
                self.add(heapq.heappop(self.later)[2])
            timeout = self.later[0][0] - now if self.later else None
            try:
                await asyncio.wait_for(self.changed.wait(), timeout)
            except TimeoutError:
                continue
