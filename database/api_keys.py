"""Keys with which a team's own servers act for a named user; the secret itself is kept nowhere."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from database.audit import Act, write_act
from database.people import ABSENT, PERSON, Person, person_in
from database.reading import read_one

PREFIX = "prnl_"
"""Lets a scanner of repositories and logs tell a leaked key."""


class Scope(StrEnum):
    """What a key may do for a user; there is none for the routes of operators."""

    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    PAYMENT_METHODS_WRITE = "payment_methods:write"
    ENTITLEMENTS_READ = "entitlements:read"


_MAKE = text(
    """
    insert into billing.api_keys (id, name, digest, scopes, created_by)
    values (:id, :name, :digest, :scopes, :created_by)
    """
)
_FIND = text(
    f"""
    select keys.id as key_id, keys.scopes, people.id, people.role, people.is_banned,
        coalesce(keys.last_used_at < now() - interval '1 minute', true) as use_is_news
    from billing.api_keys as keys
    cross join {ABSENT}
    left join lateral {PERSON} on true
    where keys.digest = :digest and keys.revoked_at is null
    """  # noqa: S608  constants
)
_USED = text(
    """
    update billing.api_keys set last_used_at = now()
    where id = :id and (last_used_at is null or last_used_at < now() - interval '1 minute')
    """
)
_LIST = text(
    """
    select id, name, scopes, created_at, created_by, last_used_at, revoked_at
    from billing.api_keys order by created_at, id
    """
)
_REVOKE = text("update billing.api_keys set revoked_at = now() where id = :id and revoked_at is null")


@dataclass(frozen=True)
class ApiKey:
    """A key that is good, and the user whom it was presented for, if there is such a user."""

    id: UUID
    scopes: frozenset[str]
    person: Person | None
    use_is_news: bool
    """Whether its last use was written down more than a minute ago."""


def digest_of(secret: str) -> str:
    """What is kept of a secret: SHA-256 in hex. The secret has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def make_api_key(engine: AsyncEngine, name: str, scopes: Collection[Scope], act: Act) -> tuple[UUID, str]:
    """A new key: its id, and the secret, which nobody can read again. ``act`` says who makes it, and why."""
    key_id, secret = uuid4(), PREFIX + secrets.token_urlsafe(32)
    values = {"id": key_id, "name": name, "digest": digest_of(secret), "created_by": act.actor.removeprefix("cli:")}
    may = sorted(scope.value for scope in scopes)
    async with engine.begin() as connection:
        await connection.execute(_MAKE, {**values, "scopes": may})
        await write_act(connection, replace(act, detail={"key": str(key_id), "scopes": " ".join(may)}))
    return key_id, secret


async def find_api_key(engine: AsyncEngine, digest: str, user_id: str | None) -> ApiKey | None:
    """The key of this digest, unless it was revoked, with the user whom it acts for."""
    row = await read_one(engine, _FIND, {"digest": digest, "user_id": user_id})
    if row is None:
        return None
    person = None if row["id"] is None else person_in(row)
    return ApiKey(row["key_id"], frozenset(row["scopes"]), person, row["use_is_news"])


async def note_use(engine: AsyncEngine, key_id: UUID) -> None:
    """Write down that a key was used now, to the minute."""
    async with engine.begin() as connection:
        await connection.execute(_USED, {"id": key_id})


async def list_api_keys(engine: AsyncEngine) -> Sequence[Row[Any]]:
    """All keys, the oldest first, revoked ones too."""
    async with engine.connect() as connection:
        return (await connection.execute(_LIST)).all()


async def revoke_api_key(engine: AsyncEngine, key_id: UUID, act: Act) -> bool:
    """Make a key worthless from now on; False, and no act, when there is none that is still good."""
    async with engine.begin() as connection:
        is_revoked = bool((await connection.execute(_REVOKE, {"id": key_id})).rowcount)
        if is_revoked:
            await write_act(connection, replace(act, detail={"key": str(key_id)}))
        return is_revoked
