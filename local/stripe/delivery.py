"""Webhooks: signed, in order for each endpoint, retried with back-off for up to three days.

https://docs.stripe.com/webhooks. A failed delivery steps aside, so that it never blocks the next one.
"""

import asyncio
import hashlib
import heapq
import hmac
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from .chaos import Chaos
from .events import Logged

if TYPE_CHECKING:
    from .world import World

BACK_OFF = (1, 2, 5, 10, 30, 60)
BACK_OFF_END = 300
GIVE_UP_AFTER = 3 * 86400
TIMEOUT = 10.0


def signature(secret: str, payload: bytes, at: int) -> str:
    """https://docs.stripe.com/webhooks#verify-manually"""
    signed = hmac.new(secret.encode(), b"%d.%s" % (at, payload), hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


@dataclass
class Delivery:
    event: str
    endpoint: str
    attempts: int = 0
    first: float = field(default_factory=time.time)
    copies: int = 1

    @property
    def wait(self) -> float:
        return BACK_OFF[self.attempts - 1] if self.attempts <= len(BACK_OFF) else BACK_OFF_END


class Deliveries:
    def __init__(self, world: "World") -> None:
        self.world = world
        self.chaos = Chaos()
        self.waiting: dict[str, deque[Delivery]] = {}
        self.later: list[tuple[float, int, Delivery]] = []
        self.outstanding: dict[tuple[str, str], Delivery] = {}
        self.attempts: deque[dict[str, Any]] = deque(maxlen=5000)
        self.workers: dict[str, asyncio.Task[None]] = {}
        self.wake: dict[str, asyncio.Event] = {}
        self.retry_changed = asyncio.Event()
        self.client: httpx.AsyncClient | None = None
        self.planned: list[Delivery] = []
        world.events.planners.append(self.plan)
        world.events.listeners.append(self.announce)

    # what has to be delivered

    def plan(self, events: list[Logged]) -> None:
        """Before the events are committed: write down with them who has to hear of each."""
        endpoints = [one for one in self.world.store.all("webhook_endpoint") if one["status"] == "enabled"]
        for logged in events:
            for endpoint in endpoints:
                if "*" in endpoint["enabled_events"] or logged.type in endpoint["enabled_events"]:
                    self._plan(logged.id, endpoint["id"])

    def _plan(self, event: str, endpoint: str) -> None:
        copies = self.chaos.copies()
        if copies:
            self.planned.append(Delivery(event, endpoint, copies=copies))
            values = (event, endpoint, 0, time.time())
            self.world.journal.write("insert or replace into deliveries values (?, ?, ?, ?)", values)

    def announce(self, _: list[Logged]) -> None:
        """The events are committed: deliver them."""
        planned, self.planned = self.planned, []
        for delivery in planned:
            self._expect(delivery)
            self._queue(delivery, self.chaos.delay())

    def _expect(self, delivery: Delivery) -> None:
        self.outstanding[(delivery.event, delivery.endpoint)] = delivery
        self.world.events.pending[delivery.event] = self.world.events.pending.get(delivery.event, 0) + 1

    def _queue(self, delivery: Delivery, delay: float = 0) -> None:
        if delay:
            heapq.heappush(self.later, (time.time() + delay, id(delivery), delivery))
            self.retry_changed.set()
            return
        self.waiting.setdefault(delivery.endpoint, deque()).append(delivery)
        if delivery.endpoint in self.wake:
            self.wake[delivery.endpoint].set()
        elif self.client is not None:
            self._start_worker(delivery.endpoint)

    def _finish(self, delivery: Delivery) -> None:
        if self.outstanding.pop((delivery.event, delivery.endpoint), None) is None:
            return
        self.world.events.delivered(delivery.event)
        values = (delivery.event, delivery.endpoint)
        # Joins the next transaction: a crash before it delivers the event twice, as Stripe may.
        self.world.journal.write("delete from deliveries where event = ? and endpoint = ?", values)

    # delivering it

    async def start(self) -> None:
        self.client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        rows = self.world.journal.db.execute("select event, endpoint, attempts, due from deliveries").fetchall()
        for event, endpoint, attempts, first in sorted(rows, key=self._place):
            delivery = Delivery(event, endpoint, attempts, first)
            self._expect(delivery)
            self._queue(delivery)
        for endpoint in self.waiting:
            self._start_worker(endpoint)
        self.workers["retries"] = asyncio.create_task(self._retry())

    def _place(self, row: tuple[str, ...]) -> int:
        return self.world.events.index[row[0]].place

    async def stop(self) -> None:
        for task in self.workers.values():
            task.cancel()
        await asyncio.gather(*self.workers.values(), return_exceptions=True)
        if self.client:
            await self.client.aclose()

    def _start_worker(self, endpoint: str) -> None:
        if endpoint not in self.workers:
            self.wake[endpoint] = asyncio.Event()
            self.workers[endpoint] = asyncio.create_task(self._work(endpoint))

    async def _work(self, endpoint: str) -> None:
        queue = self.waiting.setdefault(endpoint, deque())
        while True:
            while queue:
                await self._attempt(queue.popleft())
            self.world.journal.commit()
            self.wake[endpoint].clear()
            await self.wake[endpoint].wait()

    async def _retry(self) -> None:
        while True:
            self.retry_changed.clear()
            now = time.time()
            while self.later and self.later[0][0] <= now:
                self._queue(heapq.heappop(self.later)[2])
            timeout = self.later[0][0] - now if self.later else None
            try:
                await asyncio.wait_for(self.retry_changed.wait(), timeout)
            except TimeoutError:
                continue

    async def _attempt(self, delivery: Delivery) -> None:
        endpoint = self.world.store.get(delivery.endpoint)
        logged = self.world.events.index.get(delivery.event)
        if endpoint is None or endpoint["status"] != "enabled" or logged is None:
            self._finish(delivery)
            return
        answers = [await self._post(endpoint, logged, delivery) for _ in range(delivery.copies)]
        delivery.attempts += 1
        delivery.copies = 1
        if all(200 <= status < 300 for status in answers) or time.time() - delivery.first > GIVE_UP_AFTER:
            self._finish(delivery)
            return
        values = (delivery.attempts, delivery.event, delivery.endpoint)
        self.world.journal.write("update deliveries set attempts = ? where event = ? and endpoint = ?", values)
        self._queue(delivery, delivery.wait)

    async def _post(self, endpoint: dict[str, Any], logged: Logged, delivery: Delivery) -> int:
        assert self.client is not None
        payload = self.world.events.body(logged)
        at = int(time.time())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(endpoint["_secret"], payload, at),
        }
        status, problem = 0, None
        try:
            answer = await self.client.post(endpoint["url"], content=payload, headers=headers)
            status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            problem = f"{type(failure).__name__}: {failure}"
        self.attempts.append(
            {
                "at": time.time(),
                "attempt": delivery.attempts + 1,
                "endpoint": endpoint["id"],
                "event": logged.id,
                "type": logged.type,
                "status": status,
                "error": problem,
            }
        )
        return status
