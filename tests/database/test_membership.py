"""Where it is kept who is in a project: our table, Better-Auth's, or a query of the team's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from database.membership import InvalidMembershipQuery, Membership, Memberships, read_question
from database.session import make_engine
from lifecycle.projects import Role
from tests.api.conftest import make_settings
from tests.fixtures.databases import SERVICE, setting_up

# The columns of Better-Auth 1.7.25 with organization({ teams: { enabled: true } }), without references to users.
ORGANIZATIONS = """
create table "organization" ("id" text not null primary key, "name" text not null, "slug" text not null unique,
    "logo" text, "createdAt" timestamptz not null, "metadata" text);
create table "team" ("id" text not null primary key, "name" text not null, "memberCount" integer not null default 0,
    "organizationId" text not null references "organization" ("id") on delete cascade,
    "createdAt" timestamptz not null, "updatedAt" timestamptz);
create table "teamMember" ("id" text not null primary key,
    "teamId" text not null references "team" ("id") on delete cascade, "userId" text not null,
    "membershipKey" text unique, "createdAt" timestamptz);
create table "member" ("id" text not null primary key,
    "organizationId" text not null references "organization" ("id") on delete cascade,
    "userId" text not null, "role" text not null, "createdAt" timestamptz not null);
alter table "session" add column "activeOrganizationId" text, add column "activeTeamId" text;
insert into "organization"
    values ('org_1', 'One', 'one', null, now(), null), ('org_2', 'Two', 'two', null, now(), null);
insert into "team" values ('team_1', 'Red', 1, 'org_1', now(), null), ('team_2', 'Blue', 1, 'org_2', now(), null);
insert into "member" values
    ('m1', 'org_1', 'second', 'owner', now()), ('m2', 'org_1', 'grace', 'admin, owner', now() - interval '1 day'),
    ('m3', 'org_1', 'ada', 'member', now()), ('m4', 'org_1', 'eve', 'member,admin', now()),
    ('m5', 'org_1', 'kim', 'auditor', now()), ('m6', 'org_2', 'bob', 'member', now());
insert into "teamMember" values ('t1', 'team_1', 'ada', null, now()), ('t2', 'team_1', 'left', null, now()),
    ('t3', 'team_2', 'bob', null, now());
"""
OWN = "select boss as owner_id, 'member' as role from seats where project = :project_id and person = :user_id"


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = make_engine(make_settings(database))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(ORGANIZATIONS)
        connection.execute(f'grant select on "member", "team", "teamMember" to {SERVICE}')
    yield made
    await made.dispose()


def custom(folder: Path, query: str) -> Path:
    file = folder / "membership.sql"
    file.write_text(query)
    return file


@pytest.mark.parametrize(
    ("user_id", "role"),
    [("ada", "member"), ("eve", "admin"), ("grace", "owner"), ("second", "owner"), ("kim", "member")],
)
async def test_members_of_an_organization_live_on_its_first_owners_plan(
    engine: AsyncEngine, user_id: str, role: str
) -> None:
    memberships = Memberships(engine, "better_auth_organizations")
    await memberships.try_out()

    assert await memberships.of("org_1", user_id) == Membership("org_1", user_id, Role(role), "grace")


@pytest.mark.parametrize(
    ("project_id", "user_id"),
    [("org_1", "bob"), ("org_1", "left"), ("org_2", "ada"), ("team_1", "ada"), ("org_9", "ada")],
)
async def test_nobody_else_is_in_an_organization(engine: AsyncEngine, project_id: str, user_id: str) -> None:
    assert await Memberships(engine, "better_auth_organizations").of(project_id, user_id) is None


async def test_an_organization_without_an_owner_lives_on_nobodys_plan(engine: AsyncEngine) -> None:
    assert await Memberships(engine, "better_auth_organizations").of("org_2", "bob") is None
    assert await Memberships(engine, "better_auth_teams").of("team_2", "bob") is None


async def test_what_a_session_looked_at_last_proves_nothing(engine: AsyncEngine, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            """
            insert into "user" (id, name, email, "emailVerified") values ('bob', 'Bob', 'b@example.com', true);
            insert into session (id, token, "userId", "expiresAt", "updatedAt", "activeOrganizationId", "activeTeamId")
                values ('s', 't', 'bob', now() + interval '1 day', now(), 'org_1', 'team_1')
            """
        )

    assert await Memberships(engine, "better_auth_organizations").of("org_1", "bob") is None
    assert await Memberships(engine, "better_auth_teams").of("team_1", "bob") is None


async def test_a_team_has_who_is_in_it_and_still_in_its_organization(engine: AsyncEngine) -> None:
    memberships = Memberships(engine, "better_auth_teams")
    await memberships.try_out()

    assert await memberships.of("team_1", "ada") == Membership("team_1", "ada", Role.MEMBER, "grace")
    for stranger in ("left", "eve", "bob"):
        assert await memberships.of("team_1", stranger) is None


async def test_a_team_may_ask_a_table_of_its_own(engine: AsyncEngine, database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table seats (project text, person text, boss text)")
        connection.execute(f"grant select on seats to {SERVICE}")
        connection.execute("insert into seats values ('p1', 'ada', 'grace'), ('p2', 'ada', null)")
    memberships = Memberships(engine, "custom", custom(tmp_path, f"-- ours; :not_a_value\n{OWN};\n"))
    await memberships.try_out()

    assert not memberships.is_kept_here
    assert await memberships.of("p1", "ada") == Membership("p1", "ada", Role.MEMBER, "grace")
    assert await memberships.of("p1", "bob") is None
    assert await memberships.of("p2", "ada") is None, "nobody's plan"
    assert await memberships.of("p1' or '1'='1", "ada") is None


async def test_ids_may_be_of_another_type(engine: AsyncEngine, database: str, tmp_path: Path) -> None:
    project = "0b8f4f0e-6c1e-4a38-9f0a-2d8f6c1e7b55"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table seats (project uuid, person text, boss text)")
        connection.execute(f"grant select on seats to {SERVICE}")
        connection.execute("insert into seats values (%s, 'ada', 'grace')", (project,))
    memberships = Memberships(engine, "custom", custom(tmp_path, OWN.replace(":project_id", ":project_id::uuid")))
    await memberships.try_out()

    assert await memberships.of(project, "ada") == Membership(project, "ada", Role.MEMBER, "grace")
    assert await memberships.of("no-uuid", "ada") is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("delete from seats where project = :project_id and person = :user_id", "a single SELECT"),
        ("-- select\nupdate seats set boss = :user_id where project = :project_id", "a single SELECT"),
        ("", "a single SELECT"),
        (f"{OWN}; drop table seats", "more than one statement"),
        (f"{OWN} /* ; */ ; select 1", "more than one statement"),
        ("select 'grace' as owner_id, 'owner' as role", ":project_id and :user_id are needed"),
        (f"{OWN} and :more", "no other"),
    ],
)
def test_a_question_that_is_none_is_refused_before_anything_starts(tmp_path: Path, query: str, reason: str) -> None:
    with pytest.raises(InvalidMembershipQuery, match=reason):
        read_question(custom(tmp_path, query))
    with pytest.raises(InvalidMembershipQuery, match="cannot be read"):
        read_question(tmp_path / "missing.sql")


def test_what_stands_in_texts_and_comments_is_no_statement(tmp_path: Path) -> None:
    query = f"""/* a; b */ {OWN} and project <> ';' and "person" <> $x$;$x$ -- the end;\n;"""

    assert set(read_question(custom(tmp_path, query)).compile().params) == {"project_id", "user_id"}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (OWN, 'relation "seats" does not exist'),
        ("select :user_id::text as person, :project_id::text as role", "does not answer owner_id"),
        ("with gone as (delete from session where id = :user_id returning id) "
         "select id as owner_id, :project_id as role from gone", "read-only transaction"),
    ],
)  # fmt: skip
async def test_what_postgresql_refuses_is_told_at_the_start(
    engine: AsyncEngine, tmp_path: Path, query: str, reason: str
) -> None:
    with pytest.raises(InvalidMembershipQuery, match=reason):
        await Memberships(engine, "custom", custom(tmp_path, query)).try_out()


async def test_a_question_can_never_write(engine: AsyncEngine, tmp_path: Path) -> None:
    """Also one that only writes when it finds something."""
    async with setting_up(engine) as connection:
        await connection.execute(text("create table seats (project text, person text, boss text)"))
        await connection.execute(text(f"grant select, delete on seats to {SERVICE}"))
        await connection.execute(text("insert into seats values ('p1', 'ada', 'grace')"))
        body = "begin delete from seats; return 'mallory'; end"
        await connection.execute(text(f"create function taken() returns text language plpgsql as $$ {body} $$"))
    query = "select taken() as owner_id, 'owner' as role from seats where project = :project_id and person = :user_id"
    memberships = Memberships(engine, "custom", custom(tmp_path, query))
    await memberships.try_out()

    with pytest.raises(DBAPIError, match="read-only transaction"):
        await memberships.of("p1", "ada")

    async with engine.connect() as connection:
        assert (await connection.execute(text("select count(*) from seats"))).scalar() == 1


async def test_while_postgresql_is_away_nothing_is_said_against_a_question(tmp_path: Path) -> None:
    away = make_engine(make_settings("postgresql://nobody@127.0.0.1:1/none"))
    await Memberships(away, "custom", custom(tmp_path, OWN)).try_out()
    await away.dispose()
