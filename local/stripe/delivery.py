"""Webhooks: in order for each endpoint, retried with back-off for up to three days of the wall clock.

https://docs.stripe.com/webhooks. A failed delivery steps aside, so that it never blocks the next one. Events of a test
clock are delivered at once, and tried again by the wall clock.
"""

import time
from typing import TYPE_CHECKING, Any

import httpx

from .delivery_attempt import TIMEOUT, Attempt, Attempts, post, secrets_of
from .delivery_book import DeliveryBook
from .delivery_queue import Delivery, DeliveryQueue
from .events import Logged
from .faults import Faults
from .webhook_faults import CALM, disturbance

if TYPE_CHECKING:
    from .world import World

GIVE_UP_AFTER = 3 * 86400


class Deliveries:
    def __init__(self, world: "World", faults: Faults) -> None:
        self.world, self.faults = world, faults
        self.book = DeliveryBook(world)
        self.queue = DeliveryQueue(world, self.attempt)
        self.outstanding: dict[tuple[str, str], Delivery] = {}
        self.attempts = Attempts()
        self.client: httpx.AsyncClient | None = None
        self.planned: list[Delivery] = []
        world.events.planners.append(self.plan)
        world.events.listeners.append(self.announce)
        world.events.resend = self.resend

    # what has to be delivered

    def plan(self, events: list[Logged]) -> None:
        """Before the events are committed: write down with them who has to hear of each."""
        now = self.world.wall.now()
        for endpoint in self.book.enabled():
            for logged in events:
                if self.book.wants(endpoint, logged.type):
                    disturbed = disturbance(self.faults, logged.type, endpoint["id"])
                    self.planned.append(Delivery(logged.id, endpoint["id"], now, disturbed=disturbed))
                    self.book.plan(logged.id, endpoint["id"], now)

    def announce(self, events: list[Logged]) -> None:
        """The events are committed: deliver them. Those of a transaction that was taken back are forgotten."""
        planned, self.planned = self.planned, []
        known = {logged.id for logged in events}
        for delivery in planned:
            if delivery.event in known:
                self._expect(delivery)

    def resend(self, event: str, endpoint: str) -> None:
        """Once more and now, delivered or not, undisturbed."""
        former = self.outstanding.get((event, endpoint))
        if former is not None:
            self.queue.hurry(former)
            return
        self.book.plan(event, endpoint, self.world.wall.now())
        self._expect(Delivery(event, endpoint, self.world.wall.now()))

    def review(self) -> None:
        """An endpoint has changed: nothing is delivered any more to one that is gone."""
        for delivery in list(self.outstanding.values()):
            if self.world.store.get(delivery.endpoint) is None:
                self._finish(delivery)
        self.book.forget_endpoints_that_are_gone()

    def _expect(self, delivery: Delivery) -> None:
        self.outstanding[(delivery.event, delivery.endpoint)] = delivery
        self.book.expect(delivery.event, delivery.endpoint)
        if delivery.disturbed.copies == 0:
            self._note(delivery, 0, "dropped on purpose", "", 0.0)
            self._give_up(delivery)
            return
        self.queue.add(delivery, delivery.disturbed.delay)

    def _finish(self, delivery: Delivery) -> None:
        if self.outstanding.pop((delivery.event, delivery.endpoint), None) is not None:
            self.book.finish(delivery.event, delivery.endpoint)

    def _give_up(self, delivery: Delivery) -> None:
        if self.outstanding.pop((delivery.event, delivery.endpoint), None) is not None:
            self.book.give_up(delivery.event, delivery.endpoint)

    # delivering it

    async def start(self) -> None:
        self.client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        for event, endpoint, attempts, first in self.book.left_over():
            self._expect(Delivery(event, endpoint, first, attempts))
        await self.queue.start()

    async def stop(self) -> None:
        await self.queue.stop()
        if self.client:
            await self.client.aclose()

    async def attempt(self, delivery: Delivery) -> None:
        """The queue calls this when a delivery is due."""
        endpoint = self.world.store.get(delivery.endpoint)
        logged = self.world.events.index.get(delivery.event)
        if endpoint is None or logged is None:
            self._finish(delivery)
            return
        if endpoint["status"] != "enabled":
            self._give_up(delivery)
            return
        succeeded = [await self._post(endpoint, logged, delivery) for _ in range(delivery.disturbed.copies)]
        delivery.attempts += 1
        delivery.disturbed = CALM
        self.book.answered(endpoint, all(succeeded))
        if all(succeeded):
            self._finish(delivery)
        elif self.world.wall.now() - delivery.first > GIVE_UP_AFTER:
            self._give_up(delivery)
        else:
            self.book.tried(delivery.event, delivery.endpoint, delivery.attempts)
            self.queue.add(delivery, delivery.wait)

    async def _post(self, endpoint: dict[str, Any], logged: Logged, delivery: Delivery) -> bool:
        assert self.client is not None
        payload, began = self.world.events.body(logged), time.perf_counter()
        secrets = secrets_of(endpoint, self.world.wall.now())
        status, error, response = await post(self.client, endpoint["url"], payload, secrets, delivery.disturbed)
        return self._note(delivery, status, error, response, time.perf_counter() - began).succeeded

    def _note(self, delivery: Delivery, status: int, error: str | None, response: str, seconds: float) -> Attempt:
        attempt = Attempt(
            at=time.time(),
            attempt=delivery.attempts + 1,
            endpoint=delivery.endpoint,
            event=delivery.event,
            type=self.world.events.index[delivery.event].type,
            status=status,
            error=error,
            response=response,
            milliseconds=seconds * 1000,
            faults=delivery.disturbed.names,
        )
        self.attempts.kept.append(attempt)
        return attempt
