import asyncio
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, create_engine, inspect
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool

from database.session import migrate, roll_back
from database.tables import SCHEMA, metadata
from local import betterauth


def engine(url: str) -> Engine:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)


def ours(url: str) -> set[str]:
    made = engine(url)
    return {*inspect(made).get_table_names(SCHEMA), *inspect(made).get_view_names(SCHEMA)}


def drop_schema(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop schema billing cascade")


def test_the_migrations_make_exactly_the_tables_that_the_program_knows(database: str) -> None:
    def of_our_schema(name: str | None, kind: str, _: Any) -> bool:
        return kind != "schema" or name == SCHEMA

    options = {
        "include_schemas": True,
        "include_name": of_our_schema,
        "compare_type": True,
        "compare_server_default": True,
        "version_table_schema": SCHEMA,
    }
    with engine(database).connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert _checks(connection) == {
            constraint.name
            for table in metadata.tables.values()
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint)
        }


def _checks(connection: Any) -> set[str]:
    """Alembic does not compare check constraints."""
    names = connection.exec_driver_sql(
        "select conname from pg_constraint where contype = 'c' and connamespace = 'billing'::regnamespace"
    )
    return {name for (name,) in names}


def test_all_the_way_down_and_up_again(database: str) -> None:
    before = ours(database)

    roll_back(database)
    assert ours(database) == {"alembic_version"}

    migrate(database)
    assert ours(database) == before


def test_migrating_twice_changes_nothing_and_keeps_rows(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("insert into billing.customers (user_id) values ('ada')")

    migrate(database)

    with psycopg.connect(database) as connection:
        assert connection.execute("select user_id from billing.customers").fetchall() == [("ada",)]


async def test_several_at_once_migrate_once(database: str) -> None:
    before = ours(database)
    drop_schema(database)

    await asyncio.gather(*(asyncio.to_thread(migrate, database) for _ in range(4)))

    assert ours(database) == before


def test_without_better_auths_table_it_says_what_to_do(database: str) -> None:
    drop_schema(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute('drop table "user" cascade')

    with pytest.raises(RuntimeError, match="@better-auth/cli migrate"):
        migrate(database)


def test_users_are_better_auths_users_in_our_words(database: str) -> None:
    user = betterauth.sign_in(database, name="Ada", email="ada@example.com", secret="x")

    with psycopg.connect(database) as connection:
        cursor = connection.execute("select * from billing.users")
        assert [column.name for column in cursor.description or []] == [
            "id", "name", "email", "avatar", "created_at", "updated_at", "key",
        ]  # fmt: skip
        assert (cursor.fetchone() or ())[:3] == (user.id, "Ada", "ada@example.com")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into billing.subscriptions (user_id, status, seq) values ('ada', 'alive', 1)",
        "insert into billing.operations (id, user_id, idempotency_key, kind, fingerprint, status)"
        " values (gen_random_uuid(), 'ada', 'k', 'subscribe', 'f', 'maybe')",
        "insert into billing.events (id, type, created_at, livemode, status) values ('e', 't', now(), false, 'lost')",
        "insert into billing.customers (user_id, clock_offset_seconds) values ('ada', -1)",
        "insert into billing.project_members (project_id, user_id, role) values ('p', 'ada', 'god')",
    ],
)
def test_a_status_that_nobody_knows_is_refused_by_the_database(database: str, statement: str) -> None:
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(statement.encode())
