"""What the service's role may not do is refused by PostgreSQL itself, also when it is the service that is mistaken."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql
from typer.testing import CliRunner

from cli import app
from database.roles import IDENTITIES, TABLES, CannotGrant
from database.session import LIMITS, migrate
from database.tables import metadata
from local import betterauth
from tests.fixtures.databases import OWNER, PASSWORD, SERVICE, as_owner, as_service
from tests.test_commands import NOWHERE

FORBIDDEN = {
    "change the past": "update billing.timeline set detail = '{}'",
    "delete the past": "delete from billing.timeline",
    "change the audit": "update billing.audit set actor = 'nobody'",
    "delete from the audit": "delete from billing.audit",
    "date an act back": "insert into billing.audit (actor, act, at) values ('ada', 'refund', '1999-01-01')",
    "hide an act": ("insert into billing.audit (id, actor, act) overriding system value values (-1, 'ada', 'refund')"),
    "block the audit": "select setval('billing.audit_id_seq', 9223372036854775807)",
    "date a record back": (
        "insert into billing.timeline (user_id, seq, position, at, recorded_at, entry, cause) "
        "values ('ada', 1, 0, now(), '1999-01-01', 'x', 'y')"
    ),
    "block the timeline": (
        "insert into billing.timeline (id, user_id, seq, position, at, entry, cause) "
        "overriding system value values (1, 'ada', 1, 0, now(), 'x', 'y')"
    ),
    "empty a table": "truncate billing.events",
    "empty the audit": "truncate billing.audit",
    "drop a table": "drop table billing.timeline",
    "drop the schema": "drop schema billing cascade",
    "make a table": "create table billing.loot (id text)",
    "make a table beside": "create table public.loot (id text)",
    "make a schema": "create schema loot",
    "add a column": "alter table billing.customers add column loot text",
    "make a function": "create function billing.f() returns int language sql as 'select 1'",
    "make a trigger": (
        "create trigger t before insert on billing.timeline for each row "
        "execute function suppress_redundant_updates_trigger()"
    ),
    "forget a customer": "delete from billing.customers",
    "forget a subscription": "delete from billing.subscriptions",
    "forget a letter": "delete from billing.notifications",
    "give a trial back": "delete from billing.trial_claims",
    "pretend another schema": "update billing.alembic_version set version_num = '0001'",
    "see a portrait": 'select image from public."user"',
    "see a portrait through the view": "select avatar from billing.users",
    "see everything of a user": 'select * from public."user"',
    "see why somebody is banned": 'select "banReason" from public."user"',
    "see where somebody is": 'select "ipAddress" from public.session',
    "see with what": 'select "userAgent" from public.session',
    "see passwords": "select password from public.account",
    "see verifications": "select value from public.verification",
    "make an administrator": "update public.\"user\" set role = 'admin'",
    "sign somebody in": "update public.session set \"expiresAt\" = now() + interval '1 year'",
    "delete a session": "delete from public.session",
    "become the owner": f"set role {OWNER}",
    "become the superuser": "set session authorization postgres",
    "run a program": "copy (select 1) to program 'true'",
    "read a file": "copy billing.cursors from '/etc/passwd'",
    "write a file": "copy billing.cursors to '/tmp/loot'",
    "list the server's files": "select pg_ls_dir('/')",
    "see passwords of roles": "select * from pg_authid",
    "give rights away": "grant select on billing.customers to public; select 1 / 0",
    "make a role": "create role loot superuser",
    "make itself mighty": f"alter role {SERVICE} superuser",
    "install an extension": "create extension dblink",
    "change the server": "alter system set log_statement = 'all'",
}


@pytest.fixture
def service(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(as_service(database), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_postgresql_refuses_the_service(statement: str, service: psycopg.Connection) -> None:
    with pytest.raises((errors.InsufficientPrivilege, errors.WrongObjectType, errors.DivisionByZero)) as refused:
        service.execute(statement.encode())
    if isinstance(refused.value, errors.DivisionByZero):
        assert not _readable_by_everybody(service), "a grant without the right to grant changes nothing"


def _readable_by_everybody(connection: psycopg.Connection) -> bool:
    found = connection.execute("select has_table_privilege('public', 'billing.customers', 'select')").fetchone()
    return bool(found and found[0])


def test_every_table_says_what_the_service_may_do_with_it() -> None:
    assert set(TABLES) == {table.name for table in metadata.tables.values()} | {"alembic_version"}


def test_what_is_written_for_good_can_be_written_and_read(service: psycopg.Connection) -> None:
    service.execute("insert into billing.audit (actor, act) values ('grace', 'refund')")
    service.execute(
        "insert into billing.timeline (user_id, seq, position, at, entry, cause) values ('ada', 1, 0, now(), 'x', 'y')"
    )
    assert service.execute("select actor, act from billing.audit").fetchall() == [("grace", "refund")]
    assert service.execute("select user_id from billing.timeline").fetchall() == [("ada",)]


def test_the_role_has_limits_of_its_own(postgres_url: str, database: str) -> None:
    migrate(database, SERVICE)  # as somebody who may change roles

    with psycopg.connect(as_service(database)) as connection:
        for name, milliseconds in LIMITS.items():
            found = connection.execute("select setting from pg_settings where name = %s", [name]).fetchone()
            assert found == (str(milliseconds),), name


def test_rights_that_were_changed_by_hand_are_as_they_should_be_after_migrating(database: str) -> None:
    owner, service = as_owner(database), as_service(database)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"grant all on all tables in schema billing to {SERVICE}".encode())
        connection.execute(f"grant create on schema billing to {SERVICE}".encode())
        connection.execute(f'grant select on public."user" to {SERVICE}'.encode())
        connection.execute(f"revoke all on billing.events from {SERVICE}".encode())

    for _ in range(2):
        assert migrate(owner, SERVICE) == []

    with psycopg.connect(service, autocommit=True) as connection:
        connection.execute("select * from billing.events")
        for statement in (
            "delete from billing.timeline",
            "create table billing.x ()",
            'select image from public."user"',
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.encode())


TAKEN_BACK = {
    "make an administrator": (
        f'grant update on public."user" to {SERVICE}',
        "update public.\"user\" set role = 'admin'",
    ),
    "make one by the column": (
        f'grant update (role) on public."user" to {SERVICE}',
        "update public.\"user\" set role = 'admin'",
    ),
    "sign people out": (f"grant insert, delete on public.session to {SERVICE}", "delete from public.session"),
    "see passwords": (f"grant select on public.account to {SERVICE}", "select password from public.account"),
    "see passwords by the column": (
        f"grant select (password) on public.account to {SERVICE}",
        "select password from public.account",
    ),
    "do everything to the app's tables": (
        f"grant all on all tables in schema public to {SERVICE} with grant option",
        "delete from public.team_of_the_app",
    ),
    "delete what everybody may": ("grant delete on billing.timeline to public", "delete from billing.timeline"),
    "change an act as everybody": ("grant update on billing.audit to public", "update billing.audit set actor = 'x'"),
    "change an act by the column": (
        f"grant update (actor) on billing.audit to {SERVICE}",
        "update billing.audit set actor = 'x'",
    ),
    "date an act back": (
        f"grant insert on billing.audit to {SERVICE}",
        "insert into billing.audit (actor, act, at) values ('ada', 'refund', '1999-01-01')",
    ),
    "borrow the owner's rights": (
        "create function billing.borrowed() returns void language sql security definer "
        "as $$ update billing.audit set actor = 'x' $$; "
        f"alter function billing.borrowed() owner to {OWNER}",
        "select billing.borrowed()",
    ),
}
"""What somebody granted, and what the service could do with it."""


@pytest.mark.parametrize(("granted", "attempt"), TAKEN_BACK.values(), ids=TAKEN_BACK)
def test_what_was_granted_beyond_need_is_taken_back(database: str, granted: str, attempt: str) -> None:
    _make_table_of_the_app(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(granted.encode())

    for _ in range(2):
        assert migrate(as_owner(database), SERVICE) == []

    _assert_refused(database, attempt)


BETWEEN = f"create role between; grant between to {SERVICE}"
REFUSED = {
    "in pg_write_all_data": (f"grant pg_write_all_data to {SERVICE}", "update billing.audit set actor = 'x'"),
    "in pg_read_all_data": (f"grant pg_read_all_data to {SERVICE}", "select password from public.account"),
    "in pg_read_server_files": (
        f"grant pg_read_server_files to {SERVICE}",
        "copy billing.cursors from '/etc/hostname'",
    ),
    "in pg_execute_server_program": (
        f"grant pg_execute_server_program to {SERVICE}",
        "copy billing.cursors to program 'true'",
    ),
    "in a superuser's role": (f"create role mighty superuser; {BETWEEN}; grant mighty to between", "set role mighty"),
    "in a role that may write": (
        f'{BETWEEN}; grant update on public."user" to between',
        "update public.\"user\" set role = 'admin'",
    ),
    "everybody sees passwords": ("grant select on public.account to public", "select password from public.account"),
    "everybody may sign people out": ("grant delete on public.session to public", "delete from public.session"),
    "it makes schemas": (
        f"do $$ begin execute format('grant create on database %I to {SERVICE}', current_database()); end $$",
        "create schema loot",
    ),
    "it owns a table": (f"alter table billing.audit owner to {SERVICE}", "update billing.audit set actor = 'x'"),
    "a role that it is in owns a table": (
        f"{BETWEEN}; alter table billing.audit owner to between",
        "update billing.audit set actor = 'x'",
    ),
}


@pytest.fixture
def roles_between(database: str) -> Iterator[None]:
    yield
    with psycopg.connect(database, autocommit=True) as connection:
        for role in ("between", "mighty"):
            if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                connection.execute(f"drop owned by {role}; drop role {role}".encode())


@pytest.mark.usefixtures("roles_between")
@pytest.mark.parametrize(("granted", "attempt"), REFUSED.values(), ids=REFUSED)
def test_what_only_somebody_else_can_take_back_is_said_with_the_statement(
    database: str, granted: str, attempt: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(granted.encode())
        with pytest.raises(CannotGrant, match=r"As [^:]*: ") as told:
            migrate(as_owner(database), SERVICE)

        connection.execute(str(told.value).rpartition(": ")[2].encode())

    assert migrate(as_owner(database), SERVICE) == []
    _assert_refused(database, attempt)


def test_too_much_at_tables_of_another_role_is_said_with_the_statement(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        for table in ("user", "session"):
            connection.execute(f'alter table public."{table}" owner to current_user'.encode())
        connection.execute(f'grant select, update on public."user" to {SERVICE}'.encode())
        with pytest.raises(CannotGrant, match="select, update on") as told:
            migrate(as_owner(database), SERVICE)

        connection.execute(str(told.value).rpartition(": ")[2].encode())

    assert migrate(as_owner(database), SERVICE) == []
    _assert_refused(database, "update public.\"user\" set role = 'admin'")
    _assert_refused(database, 'select image from public."user"')


def test_tables_that_a_query_of_ones_own_reads_stay_readable(database: str) -> None:
    _make_table_of_the_app(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"grant select on public.team_of_the_app to {SERVICE}".encode())

    assert migrate(as_owner(database), SERVICE) == []

    with psycopg.connect(as_service(database)) as connection:
        assert connection.execute("select owner_id from public.team_of_the_app").fetchall() == []


def _make_table_of_the_app(database: str) -> None:
    with psycopg.connect(as_owner(database)) as connection:
        connection.execute("create table public.team_of_the_app (owner_id text)")


def _assert_refused(database: str, attempt: str) -> None:
    with (
        psycopg.connect(as_service(database), autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(attempt.encode())


def test_tables_that_better_auth_makes_later_are_opened_by_migrating_again(database: str) -> None:
    owner = as_owner(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute('drop table public."session"')
    assert migrate(owner, SERVICE) == []
    with psycopg.connect(owner) as connection:
        connection.execute('create table public.member (id text, "userId" text, "organizationId" text, role text)')
    betterauth.create_tables(owner)

    migrate(owner, SERVICE)

    with psycopg.connect(as_service(database), autocommit=True) as connection:
        connection.execute('select token, "userId", "expiresAt", "impersonatedBy" from public.session')
        connection.execute('select "userId", "organizationId", role from public.member')
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute('select "ipAddress" from public.session')


def test_where_better_auth_is_another_roles_the_statement_to_run_is_said(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop table public.session cascade")
        connection.execute('create table public.session (token text, "userId" text, "expiresAt" timestamptz)')

        with pytest.raises(CannotGrant) as told:
            migrate(as_owner(database), SERVICE)
        connection.execute(str(told.value).rpartition("as that one: ")[2].encode())

    assert migrate(as_owner(database), SERVICE) == []


@pytest.mark.parametrize("role", [OWNER, "postgres"])
def test_a_role_that_may_do_everything_is_no_service(database: str, role: str) -> None:
    with pytest.raises(CannotGrant, match="may do more"):
        migrate(as_owner(database), role)


def test_without_such_a_role_only_the_schema_is_brought_up(database: str) -> None:
    assert migrate(as_owner(database), "nobody_of_this_name") is None


@pytest.mark.parametrize(
    ("role", "told"),
    [(SERVICE, ""), ("nobody_of_this_name", "There is no role nobody_of_this_name"), (OWNER, "may do more")],
)
def test_the_command_says_what_became_of_the_role(database: str, role: str, told: str) -> None:
    environment = NOWHERE | {"PERENNIAL_DATABASE_URL": as_owner(database), "PERENNIAL_DATABASE_SERVICE_ROLE": role}

    ended = CliRunner().invoke(app, ["migrate"], env=environment)

    assert ended.exit_code == (1 if role == OWNER else 0)
    assert told in ended.stderr
    assert ("The schema is up to date." in ended.stdout) is (role != OWNER)


async def test_several_at_once_take_turns(database: str) -> None:
    owner = as_owner(database)
    assert await asyncio.gather(*(asyncio.to_thread(migrate, owner, SERVICE) for _ in range(4))) == [[]] * 4


def test_a_hostile_name_of_a_role_is_a_name(database: str) -> None:
    name = 'x"; drop schema billing cascade; --'
    with psycopg.connect(database, autocommit=True) as connection:
        made = sql.SQL("create role {} login password {}").format(sql.Identifier(name), sql.Literal(PASSWORD))
        connection.execute(made)

        assert migrate(as_owner(database), name) == []

        connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
        assert connection.execute("select count(*) from billing.customers").fetchone() == (0,)


def test_no_secret_column_of_better_auth_is_among_those_that_are_read() -> None:
    read = {(table, column) for table, columns in IDENTITIES.items() for column in columns}
    assert not {column for _, column in read} & {"image", "ipAddress", "userAgent", "banReason", "password", "value"}
