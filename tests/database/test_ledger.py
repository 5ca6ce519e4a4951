import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from database import ledger as ledger_module
from database.entries import Entry
from database.ledger import Ledger, LedgerAway
from database.session import make_engine
from tests.api.conftest import Blocked, make_settings

ENTRY = Entry(
    id="evt_1", type="invoice.paid", created_at=datetime(2026, 1, 1, tzinfo=UTC), api_version=None, livemode=True,
    object_id=None, stripe_customer_id=None, stripe_subscription_id=None, user_id="ada", wakes=True,
)  # fmt: skip


def entries(count: int) -> list[Entry]:
    return [replace(ENTRY, id=f"evt_{number}") for number in range(count)]


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = make_engine(make_settings(database))
    yield made
    await made.dispose()


@pytest_asyncio.fixture
async def ledger(engine: AsyncEngine) -> AsyncIterator[Ledger]:
    made = Ledger(engine)
    async with made.writing():
        yield made


async def stored(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set((await connection.execute(text("select id from billing.events"))).scalars())


async def test_the_first_is_new_and_every_other_was_seen(ledger: Ledger) -> None:
    together = await asyncio.gather(*(ledger.record(ENTRY) for _ in range(5)))

    assert sorted(together) == [False, False, False, False, True]
    assert await ledger.record(ENTRY) is False


async def test_two_processes_agree_on_who_was_first(engine: AsyncEngine, ledger: Ledger) -> None:
    other = Ledger(engine)
    async with other.writing():
        results = await asyncio.gather(*(door.record(one) for one in entries(100) for door in (ledger, other)))

    assert sum(results) == 100
    assert len(await stored(engine)) == 100


async def test_what_waits_together_is_written_together(engine: AsyncEngine, ledger: Ledger) -> None:
    statements: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))

    assert all(await asyncio.gather(*(ledger.record(one) for one in entries(200))))

    assert len([statement for statement in statements if "insert" in statement]) <= 2


async def test_a_poisoned_row_does_not_sink_its_neighbours(engine: AsyncEngine, ledger: Ledger) -> None:
    poisoned = replace(ENTRY, id="evt_poison", type="with a \x00 in it")

    results = await asyncio.gather(*map(ledger.record, [*entries(3), poisoned]), return_exceptions=True)

    assert results[:3] == [True, True, True]
    assert isinstance(results[3], LedgerAway)
    assert await stored(engine) == {"evt_0", "evt_1", "evt_2"}


async def test_a_database_that_went_away_fails_all_that_wait_and_then_works_again(
    database: str, engine: AsyncEngine, ledger: Ledger
) -> None:
    assert await ledger.record(ENTRY)
    with Blocked(database):
        results = await asyncio.gather(*map(ledger.record, entries(20)), return_exceptions=True)
        assert all(isinstance(result, LedgerAway) for result in results)

    assert sum(await asyncio.gather(*map(ledger.record, entries(20)))) == 19


async def test_a_full_queue_says_so_at_once(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "LONGEST_QUEUE", 2)
    crowded = Ledger(engine)
    waiting = [asyncio.create_task(crowded.record(one)) for one in entries(2)]
    await asyncio.sleep(0)

    with pytest.raises(LedgerAway, match="too many"):
        await crowded.record(replace(ENTRY, id="evt_too_many"))

    async with crowded.writing():
        assert await asyncio.gather(*waiting) == [True, True]


async def test_what_is_queued_at_the_end_is_still_written(engine: AsyncEngine) -> None:
    closing = Ledger(engine)
    async with closing.writing():
        waiting = [asyncio.create_task(closing.record(one)) for one in entries(50)]
        await asyncio.sleep(0)

    assert all(await asyncio.gather(*waiting))
    assert len(await stored(engine)) == 50


async def test_a_request_that_gave_up_waiting_harms_nobody(engine: AsyncEngine, ledger: Ledger) -> None:
    gone = asyncio.create_task(ledger.record(ENTRY))
    await asyncio.sleep(0)
    gone.cancel()

    assert await ledger.record(replace(ENTRY, id="evt_next")) is True
    assert "evt_next" in await stored(engine)
