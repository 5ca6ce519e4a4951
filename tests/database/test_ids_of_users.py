"""Better-Auth makes ids of users as the team likes: letters and digits, UUIDs, numbers. All of them can be billed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.records import Records
from database.identities import changed_identities, meet_everybody, miss_users
from database.importing import users_by_address
from database.people import find_person, find_session
from database.projects import projects_of
from database.reconciliation import users_among
from database.session import make_engine, migrate, roll_back
from database.trial_claims import trial_is_used
from lifecycle.plans import load_catalogue
from local import betterauth
from settings import ROOT
from tests.api.conftest import make_settings
from tests.fixtures.databases import SERVICE, as_owner

CATALOGUE = load_catalogue(ROOT / "plans.toml")
ADAS = "0b1c5c5e-3f1d-4f57-9a65-2f6b8a1d9e01"
KINDS = {
    "text": ("text", "Zk3aVh2Lq9"),
    "varchar": ("varchar(36)", "Zk3aVh2Lq9"),
    "uuid": ("uuid", ADAS),
    "serial": ("integer", "42"),
    "bigserial": ("bigint", "42"),
}
NOBODY = ["", "nobody", "7", "007", "-1", "9" * 18, "9" * 40, ADAS.upper(), ADAS.replace("-", ""), "x" * 300]


@dataclass
class App:
    """A database in which Better-Auth keeps its ids in one way."""

    url: str
    engine: AsyncEngine
    ada: str

    def run(self, statement: str, *values: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)


@pytest_asyncio.fixture(params=KINDS.values(), ids=KINDS)
async def app(database: str, request: pytest.FixtureRequest) -> AsyncIterator[App]:
    kept_as, ada = request.param
    engine = make_engine(make_settings(database))
    app = App(database, engine, ada)
    app.run("drop schema billing cascade")
    app.run('drop table "user", session, account, verification')
    own = betterauth.TABLES.replace('"id" text', f'"id" {kept_as}').replace('"userId" text', f'"userId" {kept_as}')
    with psycopg.connect(as_owner(database)) as connection:
        connection.execute(own.encode())
    migrate(as_owner(database), SERVICE)
    app.run(
        """
        insert into "user" (id, name, email, "emailVerified", role) values (%s, 'Ada', 'ada@ex.org', true, 'admin')
        """,
        ada,
    )
    app.run(
        "insert into billing.customers (user_id, stripe_customer_id) values (%s, 'cus_1'), ('nobody', 'cus_2')", ada
    )
    yield app
    await engine.dispose()


async def test_a_user_is_found_by_session_and_by_id(app: App) -> None:
    app.run(
        """
        insert into session (id, token, "userId", "expiresAt", "updatedAt")
        values (%s, 'token', %s, now() + interval '1 day', now())
        """,
        app.ada,
        app.ada,
    )

    session, person = await find_session(app.engine, "token") or (None, None)
    by_id = await find_person(app.engine, app.ada)

    assert session is not None
    assert session.user_id == app.ada
    assert person == by_id
    assert by_id is not None
    assert (by_id.id, by_id.roles) == (app.ada, {"admin"})


async def test_an_id_that_is_nobodys_is_nobody(app: App) -> None:
    for user_id in NOBODY:
        assert await find_person(app.engine, user_id) is None, user_id


async def test_what_is_done_for_a_user_finds_them_and_nobody_else(app: App) -> None:
    records = Records(app.engine, CATALOGUE, continue_as_new_after_events=100)

    for user_id, is_there in ((app.ada, True), ("nobody", False)):
        assert (await records.begin(user_id)).is_known_user is is_there
        assert await trial_is_used(app.engine, user_id) is False
        async with projects_of(app.engine, user_id) as projects:
            assert await projects.is_user(user_id) is is_there
    assert await users_among(app.engine, [app.ada, *NOBODY]) == {app.ada}
    assert await users_by_address(app.engine, ["ada@ex.org"]) == {"ada@ex.org": app.ada}


async def test_who_is_called_otherwise_or_gone_is_noticed(app: App) -> None:
    assert await meet_everybody(app.engine, 10) == 1
    app.run("""update "user" set name = 'Countess'""")
    assert [one.user_id for one in await changed_identities(app.engine, 10)] == [app.ada]

    assert await miss_users(app.engine) == (2, 0)
    app.run('delete from "user"')
    assert await miss_users(app.engine) == (2, 1)


async def test_users_are_found_by_the_index_of_better_auths_table(app: App) -> None:
    with psycopg.connect(app.url) as connection:
        connection.execute("set enable_seqscan = off")
        question = "explain select from billing.users where key = billing.key_of_user(%s)"
        plan = "\n".join(line for (line,) in connection.execute(question, [app.ada]).fetchall())

    assert "Index Cond" in plan, plan


async def test_the_migration_can_be_undone_and_done_again(app: App) -> None:
    roll_back(as_owner(app.url), "0018")
    migrate(as_owner(app.url), SERVICE)

    assert await find_person(app.engine, app.ada)
