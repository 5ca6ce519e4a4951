"""Who is called otherwise now, and who is gone: told once, with patience, and never when everybody seems gone."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from database.identities import changed_identities, meet_everybody, miss_users, note_identity, vanished_users
from database.session import make_engine
from lifecycle.intents import Outcome, Request, Result
from tests.api.conftest import make_settings
from workflows.vanishing import Vanishing

PEOPLE = """
insert into "user" (id, name, email, "emailVerified")
    select 'user_' || n, 'Name', n || '@example.com', true from generate_series(1, {people}) as n;
insert into billing.customers (user_id, stripe_customer_id)
    select 'user_' || n, 'cus_' || n from generate_series(1, {people}) as n;
"""


class FakeDoor:
    """Notes who was to be forgotten."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ask(self, user_id: str, request: Request, deadline: float) -> Outcome | None:
        self.asked.append(user_id)
        return Outcome(Result.DONE, "forgotten")


def run(database: str, statement: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    run(database, PEOPLE.format(people=100))
    engine = make_engine(make_settings(database))
    yield engine
    await engine.dispose()


def vanishing(engine: AsyncEngine, database: str, **settings: Any) -> tuple[Vanishing, FakeDoor]:
    door = FakeDoor()
    return Vanishing(engine, door, make_settings(database, **settings)), door


async def test_a_customer_is_met_first_and_followed_from_then_on(engine: AsyncEngine, database: str) -> None:
    assert await changed_identities(engine, 10) == []
    assert await meet_everybody(engine, 60) == 60
    assert await meet_everybody(engine, 60) == 40
    assert await changed_identities(engine, 10) == []

    run(database, """update "user" set email = 'new@example.com' where id = 'user_7'""")
    (changed,) = await changed_identities(engine, 10)
    assert (changed.user_id, changed.stripe_customer_id, changed.email) == ("user_7", "cus_7", "new@example.com")

    await note_identity(engine, "user_7", changed.fresh)
    assert await changed_identities(engine, 10) == []


async def test_a_customer_whose_user_was_never_there_is_not_missed(engine: AsyncEngine, database: str) -> None:
    run(database, "insert into billing.customers (user_id, stripe_customer_id) values ('imported', 'cus_imported')")
    await meet_everybody(engine, 1000)

    assert await miss_users(engine) == (101, 0)


async def test_who_is_gone_is_forgotten_after_the_time_to_think_better_of_it(
    engine: AsyncEngine, database: str
) -> None:
    await meet_everybody(engine, 1000)
    run(database, """delete from "user" where id in ('user_7', 'user_8')""")
    patient, door = vanishing(engine, database, vanished_after_hours=24)
    assert await ActivityEnvironment().run(patient.forget) == 0

    run(database, "update billing.customers set missing_since = now() - interval '23 hours' where user_id = 'user_7'")
    assert await ActivityEnvironment().run(patient.forget) == 0
    run(database, "update billing.customers set missing_since = now() - interval '25 hours' where user_id = 'user_7'")
    assert await ActivityEnvironment().run(patient.forget) == 1
    assert door.asked == ["user_7"]


async def test_who_comes_back_in_time_is_not_forgotten(engine: AsyncEngine, database: str) -> None:
    await meet_everybody(engine, 1000)
    run(database, """delete from "user" where id = 'user_7'""")
    assert await miss_users(engine) == (100, 1)
    run(database, """insert into "user" (id, name, email, "emailVerified") values ('user_7', 'N', 'e@e.org', true)""")

    assert await miss_users(engine) == (100, 0)
    assert await vanished_users(engine, 0, 10) == []


@pytest.mark.parametrize(("gone", "forgotten"), [(20, 20), (21, 0), (100, 0)])
async def test_a_table_that_was_lost_forgets_nobody(
    engine: AsyncEngine, database: str, gone: int, forgotten: int
) -> None:
    await meet_everybody(engine, 1000)
    run(database, f"""delete from "user" where substr(id, 6)::int <= {gone}""")
    hasty, door = vanishing(engine, database, vanished_after_hours=0)

    await ActivityEnvironment().run(hasty.forget)

    assert len(door.asked) == forgotten


async def test_a_user_is_asked_for_once_under_one_operation(engine: AsyncEngine, database: str) -> None:
    await meet_everybody(engine, 1000)
    run(database, """delete from "user" where id = 'user_7'""")
    hasty, door = vanishing(engine, database, vanished_after_hours=0)

    for _ in range(3):
        await ActivityEnvironment().run(hasty.forget)

    with psycopg.connect(database) as connection:
        rows = connection.execute("select kind, idempotency_key, promised_at from billing.operations").fetchall()
    ((kind, key, promised),) = rows
    assert (kind, key.startswith("operator:vanished/"), promised is not None) == ("forget", True, True)
    assert set(door.asked) == {"user_7"}
