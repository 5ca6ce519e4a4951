"""Time that moves: test clocks on request, the wall clock by itself. Deadlines happen in exact order.

https://docs.stripe.com/billing/testing/test-clocks
"""

import asyncio
import logging
import time
import traceback
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from .timetable import WHEN_DUE

if TYPE_CHECKING:
    from .store import Object
    from .world import World

log = logging.getLogger("local.stripe")
SLICE_SECONDS = 0.02
"""How long an advancing clock may keep other requests waiting."""


class Clocks:
    def __init__(self, world: "World") -> None:
        self.world = world
        self.changed = asyncio.Event()
        self.advancing: dict[str, asyncio.Task[None]] = {}
        self.ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on where a stopped process left off."""
        self.world.deadlines.on_wall_change = self.changed.set
        self.ticker = asyncio.create_task(self._tick())
        self.pick_up()

    async def stop(self) -> None:
        tasks = [*self.advancing.values(), *([self.ticker] if self.ticker else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def pick_up(self) -> None:
        """Start moving every clock that was told to advance and does not move yet."""
        for clock in self.world.store.kinds.get("test_helpers.test_clock", {}).values():
            if clock["status"] == "advancing" and clock["id"] not in self.advancing:
                task = asyncio.create_task(self._advance(clock["id"]))
                self.advancing[clock["id"]] = task
                task.add_done_callback(partial(self._rested, clock["id"]))

    def _rested(self, id: str, _: asyncio.Task[None]) -> None:
        self.advancing.pop(id, None)

    async def _advance(self, id: str) -> None:
        await asyncio.sleep(0)
        slice_ends = time.perf_counter() + SLICE_SECONDS
        while (clock := self.world.store.get(id)) and not clock.get("deleted"):
            target = clock["status_details"]["advancing"]["target_frozen_time"]
            deadline = self.world.deadlines.next(id)
            if deadline is None or deadline["at"] > target:
                self._arrive(clock, target)
                return
            if not self._happen(deadline, clock):
                return
            if time.perf_counter() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.perf_counter() + SLICE_SECONDS

    def _arrive(self, clock: "Object", target: int) -> None:
        with self.world.transaction(), self.world.changing(clock, "test_helpers.test_clock.ready"):
            clock["frozen_time"] = clock["_now"] = target
            clock["status"] = "ready"
            clock["status_details"] = {}

    def _happen(self, deadline: "Object", clock: "Object | None") -> bool:
        """One step of time, in one transaction. A step that fails is an error of ours: say so and go on."""
        try:
            with self.world.transaction():
                if clock is not None:
                    self.world.store.edit(clock)["_now"] = max(clock["_now"], deadline["at"])
                self._consume(deadline)
            return True
        except Exception:
            log.error("deadline %s\n%s", deadline["id"], traceback.format_exc())
            with self.world.transaction():
                self.world.store.delete(self.world.store.objects[deadline["id"]])
                if clock is not None:
                    with self.world.changing(clock, "test_helpers.test_clock.internal_failure"):
                        clock["status"] = "internal_failure"
                        clock["status_details"] = {}
            return clock is None

    def _consume(self, deadline: "Object") -> None:
        kind, subject = deadline["kind"], self.world.store.get(deadline["_subject"])
        self.world.store.delete(deadline)
        if subject is not None and not subject.get("deleted"):
            WHEN_DUE[kind](self.world, subject)

    async def advance_wall(self, seconds: int) -> None:
        """Move the wall clock ahead, deadline by deadline, so that each finds the time it was set for."""
        wall = self.world.wall
        target = wall.now() + seconds
        while (deadline := self.world.deadlines.next(None)) and deadline["at"] <= target:
            self._wait_until(deadline["at"])
            self._happen(deadline, None)
            await asyncio.sleep(0)
        self._wait_until(target)
        self.changed.set()

    def _wait_until(self, moment: float) -> None:
        missing = ceil(moment - self.world.wall.now())
        if missing > 0:
            with self.world.transaction():
                self.world.wall.advance(missing)

    async def _tick(self) -> None:
        while True:
            self.changed.clear()
            deadline = self.world.deadlines.next(None)
            if deadline is not None and deadline["at"] <= self.world.wall.now():
                self._happen(deadline, None)
                await asyncio.sleep(0)
                continue
            timeout = min(deadline["at"] - self.world.wall.now(), 3600) if deadline else None
            try:
                await asyncio.wait_for(self.changed.wait(), timeout)
            except TimeoutError:
                continue
