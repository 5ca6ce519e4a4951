"""What runs again and again finds its rows by an index, however many rows there are."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.emails import SWEEP_AFTER
from activities.outbox import left_behind
from activities.retention import Retention
from database.deliveries import claim_due, find_owners, mark_delivered, put_off, seconds_until_due
from database.promises import take_promises
from database.session import make_engine
from tests.api.conftest import make_settings

FILLED = """
insert into billing.events (id, type, created_at, received_at, livemode, user_id, stripe_customer_id, status)
    select 'evt_' || n, 'invoice.paid', now(), now() - make_interval(mins => 300000 - n), false,
        'user_' || n % 20000, 'cus_' || n,
        case when n % 1000 = 0 then 'pending' when n % 1001 = 0 then 'orphan' else 'applied' end
    from generate_series(1, 300000) as n;
insert into billing.customers (user_id, stripe_customer_id)
    select 'user_' || n, 'cus_' || n from generate_series(1, 20000) as n;
insert into billing.subscriptions (user_id, status, seq)
    select 'user_' || n, 'active', 1 from generate_series(1, 20000) as n;
insert into billing.operations (id, user_id, idempotency_key, kind, fingerprint, status, created_at, promised_at)
    select gen_random_uuid(), 'user_' || n, 'key', 'cancel', 'f', 'succeeded',
        now() - make_interval(mins => 100000 - n), now()
    from generate_series(1, 100000) as n;
insert into billing.notifications (id, user_id, kind, occasion, status)
    select gen_random_uuid(), 'user_' || n, 'welcome', 'once', 'sent' from generate_series(1, 50000) as n;
"""


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(FILLED)
        connection.execute("vacuum analyze")
    engine = make_engine(make_settings(database))
    yield engine
    await engine.dispose()


async def everything_that_upkeep_does(engine: AsyncEngine) -> None:
    due = await claim_due(engine, 0.4)
    assert due
    async with engine.begin() as connection:
        await mark_delivered(connection, [(row.id, "delivered") for row in due[::2]])
        await put_off(connection, [row.id for row in due[1::2]])
        await connection.execute(left_behind(SWEEP_AFTER, 200))
    assert await seconds_until_due(engine, 0.4) is not None
    assert await find_owners(engine)
    await take_promises(engine, 20)
    settings = make_settings(engine.url.render_as_string(hide_password=False).replace("+psycopg", ""))
    await ActivityEnvironment().run(Retention(engine, settings).discard)


def scans(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for child in plan.get("Plans", []):
        yield from scans(child)


async def test_every_query_of_upkeep_uses_an_index(engine: AsyncEngine, database: str) -> None:
    statements: dict[str, Any] = {}
    event.listen(
        engine.sync_engine, "before_cursor_execute", lambda *told: statements.setdefault(str(told[2]), told[3])
    )

    await everything_that_upkeep_does(engine)

    assert len(statements) >= 9

    def explained() -> dict[str, set[str]]:
        with psycopg.connect(database, cursor_factory=psycopg.ClientCursor) as connection:
            plans = {
                statement: connection.execute(f"explain (format json) {statement}".encode(), values).fetchone()
                for statement, values in statements.items()
            }
        return {statement: set(scans((plan or [[]])[0][0]["Plan"])) for statement, plan in plans.items()}

    large = {"events", "operations", "notifications"}
    for statement, read in (await asyncio.to_thread(explained)).items():
        assert not read & large, statement
