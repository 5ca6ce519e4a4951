"""What a reconciliation reads, it finds by an index, also among very many."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from database import reconciliation as books
from database.session import make_engine
from database.stories import read_story
from tests.api.conftest import make_settings
from tests.database.test_growth import scans
from tests.fixtures.databases import setting_up

LARGE = {
    "subscriptions", "customers", "events", "user", "reconciliations", "timeline", "operations", "notifications",
}  # fmt: skip
FILLED = """
insert into "user" (id, name, email, "emailVerified")
    select 'user_' || n, 'Name', n || '@example.com', true from generate_series(1, 50000) as n;
insert into billing.customers (user_id, stripe_customer_id)
    select 'user_' || n, 'cus_' || n from generate_series(1, 50000) as n;
insert into billing.subscriptions (user_id, stripe_customer_id, stripe_subscription_id, status, seq, started_at)
    select 'user_' || n, 'cus_' || n, 'sub_' || n, case when n % 3 = 0 then 'canceled' else 'active' end, 1,
        case when n % 2 = 0 then timestamptz '2026-01-01Z' + make_interval(mins => n) end
    from generate_series(1, 50000) as n;
insert into billing.events (id, type, created_at, livemode, user_id, status)
    select 'evt_' || n, 'invoice.paid', now(), false, 'user_' || n,
        case when n % 1000 = 0 then 'pending' else 'applied' end
    from generate_series(1, 50000) as n;
insert into billing.timeline (user_id, seq, position, at, entry, cause)
    select 'user_' || n % 5000, n, 0, now(), 'renewed', 'event' from generate_series(1, 50000) as n;
insert into billing.operations (id, user_id, idempotency_key, kind, fingerprint)
    select gen_random_uuid(), 'user_' || n, 'key', 'subscribe', 'f' from generate_series(1, 50000) as n;
insert into billing.notifications (id, user_id, kind, occasion, status)
    select gen_random_uuid(), 'user_' || n, 'welcome', 'once', 'sent' from generate_series(1, 50000) as n;
insert into billing.reconciliations (is_scheduled, finished_at)
    select true, case when n < 4999 then now() end from generate_series(1, 5000) as n;
"""


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(FILLED)
        connection.execute("vacuum analyze")
    engine = make_engine(make_settings(database))
    yield engine
    await engine.dispose()


async def a_whole_round(engine: AsyncEngine) -> None:
    assert set(await books.rows_of_subscriptions(engine, ["sub_1", "sub_2"])) == {"sub_1", "sub_2"}
    assert set(await books.rows_of_users(engine, ["user_1"])) == {"user_1"}
    assert await books.owners_of(engine, ["cus_7"]) == {"cus_7": "user_7"}
    assert await books.users_among(engine, ["user_7", "nobody"]) == {"user_7"}
    assert await books.users_in_motion(engine, ["user_1000", "user_1001"]) == {"user_1000"}
    assert await books.about_how_many(engine) == 50_000
    this = await books.begin_round(engine, is_scheduled=True)
    await books.note_progress(engine, this.id, books.Counts(looked_at=2, agreed=2), {"after": "sub_1"})
    await books.finish_round(engine, this.id)
    assert (await books.read_round(engine, this.id))["looked_at"] == 2
    assert await books.read_last_round(engine) is not None
    assert await books.read_age(engine) >= 0
    await the_youngest(engine)
    assert (await read_story(engine, "user_1000")).subscription is not None


async def the_youngest(engine: AsyncEngine, before_user: str | None = None) -> list[str]:
    rows = await books.rows_begun_between(
        engine,
        after=datetime(2026, 1, 30, tzinfo=UTC),
        until=datetime(2026, 2, 1, tzinfo=UTC),
        before_user=before_user,
        seen=["sub_44640"],
        limit=100,
    )
    return [row["user_id"] for row in rows]


async def test_every_query_of_a_reconciliation_uses_an_index(engine: AsyncEngine, database: str) -> None:
    statements: dict[str, Any] = {}
    event.listen(
        engine.sync_engine, "before_cursor_execute", lambda *told: statements.setdefault(str(told[2]), told[3])
    )

    await a_whole_round(engine)

    assert len(statements) >= 18

    def explained() -> dict[str, set[str]]:
        with psycopg.connect(database, cursor_factory=psycopg.ClientCursor) as connection:
            plans = {
                statement: connection.execute(f"explain (format json) {statement}".encode(), values).fetchone()
                for statement, values in statements.items()
            }
        return {statement: set(scans((plan or [[]])[0][0]["Plan"])) for statement, plan in plans.items()}

    for statement, read in (await asyncio.to_thread(explained)).items():
        assert not read & LARGE, statement


async def test_a_range_holds_who_began_in_it_and_still_runs(engine: AsyncEngine) -> None:
    found = await the_youngest(engine)

    assert len(found) == 100
    assert found[0] == "user_44638", "the one of the last minute was seen, the one before has no odd number or is over"
    assert "user_44634" not in found, "canceled"


async def test_a_range_goes_on_behind_the_last_of_those_who_began_together(engine: AsyncEngine) -> None:
    async with setting_up(engine) as connection:
        await connection.exec_driver_sql(
            "update billing.subscriptions set started_at = '2026-02-01Z' where user_id in ('user_1', 'user_2')"
        )

    assert (await the_youngest(engine, "user_4"))[:2] == ["user_2", "user_1"]


async def test_an_interrupted_round_is_gone_on_with_and_one_by_hand_is_not(engine: AsyncEngine) -> None:
    async with setting_up(engine) as connection:
        await connection.exec_driver_sql("delete from billing.reconciliations")
    by_hand = await books.begin_round(engine, is_scheduled=False)
    first = await books.begin_round(engine, is_scheduled=True)
    await books.note_progress(engine, first.id, books.Counts(looked_at=5), {"after": "sub_5"})

    again = await books.begin_round(engine, is_scheduled=True)

    assert (again.id, again.place) == (first.id, {"after": "sub_5"})
    assert by_hand.id != first.id
    await books.finish_round(engine, first.id)
    assert (await books.begin_round(engine, is_scheduled=True)).id not in {by_hand.id, first.id}
