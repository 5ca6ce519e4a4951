"""Events that never reached us are found, wherever they are in Stripe's list."""

import time
from collections.abc import AsyncIterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio
import stripe
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from temporalio.testing import ActivityEnvironment

from activities.catching_up import PAGE, CatchUp
from activities.gateway import Stripe

MINUTE, DAY = 60, 86_400


class EventsOfStripe:
    """Stripe's Events API with memory: newest first by ``created``, as the page says."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.v1 = SimpleNamespace(events=self)
        self.diary: list[str] = []

    def happens(self, name: str, *, ago: float = 0) -> None:
        self.events.append(
            {
                "id": f"evt_{name}",
                "object": "event",
                "type": "invoice.paid",
                "created": int(time.time() - ago),
                "data": {"object": {"id": f"in_{name}", "object": "invoice", "customer": "cus_1"}},
                "livemode": False,
            }
        )

    async def list_async(self, params: dict[str, Any]) -> SimpleNamespace:
        self.diary.append("asked")
        newest_first = sorted(self.events, key=lambda event: event["created"], reverse=True)
        ids = [event["id"] for event in newest_first]
        if "ending_before" in params:
            end = ids.index(params["ending_before"])
            shown = newest_first[max(0, end - params["limit"]) : end]
        else:
            start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
            shown = newest_first[start : start + params["limit"]]
        return SimpleNamespace(data=[stripe.Event.construct_from(event, "sk_test_1") for event in shown])

    async def retrieve_async(self, event_id: str) -> None:
        if all(event["id"] != event_id for event in self.events):
            raise stripe.InvalidRequestError("No such event", "id", code="resource_missing")


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    await engine.dispose()


@pytest.fixture
def events() -> EventsOfStripe:
    return EventsOfStripe()


async def caught_up(events: EventsOfStripe, engine: AsyncEngine) -> int:
    here = ActivityEnvironment()
    here.on_heartbeat = lambda *_: events.diary.append("alive")
    return int(await here.run(CatchUp(cast(Stripe, events), engine).catch_up))


async def known(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set((await connection.execute(text("select id from billing.events"))).scalars())


async def test_the_first_time_everything_that_stripe_still_has_is_read(
    events: EventsOfStripe, engine: AsyncEngine
) -> None:
    for number in range(3 * PAGE + 7):
        events.happens(f"{number}", ago=DAY - number)

    assert await caught_up(events, engine) == 3 * PAGE + 7
    assert await caught_up(events, engine) == 0


async def test_an_event_that_shows_up_late_among_others_that_were_read_is_found(
    events: EventsOfStripe, engine: AsyncEngine
) -> None:
    events.happens("old", ago=DAY)
    events.happens("new", ago=1)
    await caught_up(events, engine)

    events.happens("late", ago=5 * MINUTE)

    assert await caught_up(events, engine) == 1
    assert "evt_late" in await known(engine)


async def test_customers_who_live_ahead_of_the_clock_hide_nothing_of_today(
    events: EventsOfStripe, engine: AsyncEngine
) -> None:
    events.happens("before", ago=DAY)
    for number in range(2 * PAGE):
        events.happens(f"next_year_{number}", ago=-365 * DAY - number)
    await caught_up(events, engine)

    events.happens("today")

    assert await caught_up(events, engine) == 1
    assert "evt_today" in await known(engine)


async def test_after_a_pause_longer_than_stripe_keeps_events_all_that_is_left_is_read(
    events: EventsOfStripe, engine: AsyncEngine
) -> None:
    events.happens("long_ago", ago=31 * DAY)
    await caught_up(events, engine)
    events.events.clear()
    for number in range(PAGE + 1):
        events.happens(f"{number}", ago=DAY - number)

    assert await caught_up(events, engine) == PAGE + 1


async def test_a_long_first_run_gives_a_sign_of_life_with_every_page(
    events: EventsOfStripe, engine: AsyncEngine
) -> None:
    for number in range(5 * PAGE):
        events.happens(f"{number}", ago=DAY - number)

    await caught_up(events, engine)

    assert events.diary.count("asked") > 5
    assert ("asked", "asked") not in list(pairwise(events.diary))
