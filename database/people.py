"""Users and sessions as Better-Auth keeps them in PostgreSQL at this moment.

https://www.better-auth.com/docs/concepts/database#core-schema, https://www.better-auth.com/docs/plugins/admin#schema
"""

from dataclasses import dataclass

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from database.reading import read_one

ABSENT = """
    (select cast(null as text) as role, cast(null as boolean) as banned, cast(null as timestamptz) as "banExpires",
        cast(null as text) as "impersonatedBy") as absent
"""
"""Columns that only Better-Auth's admin plugin adds. Inside a lateral subquery an unqualified name is looked for in the
subquery's own tables first and out here next, so one statement serves both."""


_PEOPLE = """
    select cast(id as text) as id, role,
        coalesce(banned, false) and ("banExpires" is null or "banExpires" > now()) as is_banned
    from public."user"
"""
PERSON = f"({_PEOPLE} where id = billing.key_of_user(:user_id)) as people"
"""A lateral subquery beside `ABSENT`: the user of this id."""
_SESSION = text(
    f"""
    select people.id, people.role, people.is_banned, cast(session."impersonatedBy" as text) as impersonated_by,
        cast(extract(epoch from session."createdAt") * 1000 as double precision) as created_ms,
        cast(extract(epoch from session."expiresAt" - now()) as double precision) as seconds_left
    from {ABSENT}
    cross join lateral (
        select "userId", "createdAt", "expiresAt", "impersonatedBy" from public.session where token = :token
    ) as session
    cross join lateral ({_PEOPLE} where id = session."userId") as people
    """  # noqa: S608  as above
)
_PERSON = text(
    f"select people.id, people.role, people.is_banned from {ABSENT} cross join lateral {PERSON}"  # noqa: S608  as above
)


@dataclass(frozen=True)
class Person:
    """A user, with the roles of Better-Auth's admin plugin (a list with commas there)."""

    id: str
    roles: frozenset[str]
    is_banned: bool


@dataclass(frozen=True)
class Session:
    """A session, wherever it is kept; one whose seconds are over lets nobody in."""

    user_id: str
    created_ms: float
    """Milliseconds since 1970, the measure of Better-Auth's revocations."""
    seconds_left: float
    impersonated_by: str | None = None


async def find_session(engine: AsyncEngine, token: str) -> tuple[Session, Person] | None:
    """The session of this token and its owner; None when there is no such row."""
    row = await read_one(engine, _SESSION, {"token": token})
    if row is None:
        return None
    session = Session(row["id"], row["created_ms"], row["seconds_left"], row["impersonated_by"])
    return session, person_in(row)


async def find_person(engine: AsyncEngine, user_id: str) -> Person | None:
    """The user of this id."""
    row = await read_one(engine, _PERSON, {"user_id": user_id})
    return None if row is None else person_in(row)


def person_in(row: RowMapping) -> Person:
    """Who is told of in a row with ``id``, ``role`` and ``is_banned``."""
    roles = frozenset(role.strip() for role in (row["role"] or "").split(",") if role.strip())
    return Person(row["id"], roles, row["is_banned"])
