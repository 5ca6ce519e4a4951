"""What an import knows of users, and a table of its own in which it notes what it has seen.

The notes are a temporary table of one connection: finding two subscriptions of one user among millions is work for the
database, and a dry run leaves nothing behind.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_CREATE = text(
    """
    create temporary table offered (
        subscription_id text primary key, customer_id text not null, status text not null, offer text,
        user_id text, refusal text, is_foreign boolean not null, is_done boolean not null
    )
    """
)
_NOTE = text(
    """
    insert into offered
    select * from json_to_recordset(cast(:notes as json)) as note (
        subscription_id text, customer_id text, status text, offer text,
        user_id text, refusal text, is_foreign boolean, is_done boolean
    )
    on conflict (subscription_id) do nothing
    """
)
_INDEX = text("create index on offered (user_id)")
_REFUSE_SEVERAL = text(
    """
    update offered set refusal = 'this user has ' || several.number || ' running subscriptions: ' || several.ids
    from (
        select user_id, count(*) as number, string_agg(subscription_id, ', ' order by subscription_id) as ids
        from offered where user_id is not null group by user_id having count(*) > 1
    ) as several
    where offered.user_id = several.user_id and not offered.is_done
    """
)
_TALLY = text(
    """
    select count(*) filter (where is_done) as done,
        count(*) filter (where refusal is null and not is_done) as adoptable,
        count(*) filter (where refusal is not null and not is_foreign and not is_done) as refused,
        count(*) filter (where is_foreign) as foreign
    from offered
    """
)
_PAGE = text("select * from offered where subscription_id > :after order by subscription_id limit :limit")
_CUSTOMERS_OF = text(
    "select user_id, stripe_customer_id from billing.customers "
    "where user_id = any(:ids) and stripe_customer_id is not null"
)
_BY_ADDRESS = text(
    'select email, cast(id as text) as id from public."user" where email = any(:addresses) and "emailVerified"'
)


@dataclass(frozen=True)
class Note:
    """One subscription and what was judged of it; ``is_done``: it is ours already."""

    subscription_id: str
    customer_id: str
    status: str
    offer: str | None = None
    user_id: str | None = None
    refusal: str | None = None
    is_foreign: bool = False
    is_done: bool = False


class Notes:
    """What one import has seen."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, notes: Sequence[Note]) -> None:
        """One page more."""
        lines = orjson.dumps([asdict(note) for note in notes]).decode()
        await self._connection.execute(_NOTE, {"notes": lines})

    async def refuse_several(self) -> None:
        """When all were seen: nobody is given one of two."""
        await self._connection.execute(_INDEX)
        await self._connection.execute(_REFUSE_SEVERAL)

    async def tally(self) -> dict[str, int]:
        """How many are done, adoptable, refused, and foreign."""
        return dict((await self._connection.execute(_TALLY)).mappings().one())

    async def pages(self, limit: int) -> AsyncIterator[Sequence[RowMapping]]:
        """All notes, in the order of ids."""
        after = ""
        while rows := (await self._connection.execute(_PAGE, {"after": after, "limit": limit})).mappings().all():
            yield rows
            after = rows[-1]["subscription_id"]


@asynccontextmanager
async def taking_notes(engine: AsyncEngine) -> AsyncIterator[Notes]:
    """A connection with an empty table of notes; both are gone afterwards."""
    async with engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(_CREATE)
        try:
            yield Notes(alone)
        finally:
            await alone.exec_driver_sql("drop table offered")


async def customers_of(engine: AsyncEngine, user_ids: Sequence[str]) -> dict[str, str]:
    """The Stripe customer that each user has here."""
    rows = await _read(engine, _CUSTOMERS_OF, {"ids": list(user_ids)})
    return {row["user_id"]: row["stripe_customer_id"] for row in rows}


async def users_by_address(engine: AsyncEngine, addresses: Sequence[str]) -> dict[str, str]:
    """Who has proved that an address is theirs. Better-Auth keeps addresses in lower case, each once."""
    rows = await _read(engine, _BY_ADDRESS, {"addresses": list(addresses)})
    return {row["email"]: row["id"] for row in rows}


async def _read(engine: AsyncEngine, statement: Any, values: dict[str, Any]) -> Sequence[RowMapping]:
    async with engine.connect() as connection:
        return (await connection.execute(statement, values)).mappings().all()
