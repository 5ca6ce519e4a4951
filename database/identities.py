"""Users as Better-Auth keeps them, compared with our customers: who has another name or address now, who is gone.

What Stripe was told last is kept as a hash, so that nothing personal is kept twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

_HASH = "encode(sha256(convert_to(people.email || chr(31) || coalesce(people.name, ''), 'UTF8')), 'hex')"

_MEET = text(
    f"""
    update billing.customers set identity_hash = met.fresh
    from (
        select customers.user_id, {_HASH} as fresh
        from billing.customers join billing.users as people on people.key = billing.key_of_user(customers.user_id)
        where customers.identity_hash is null and customers.stripe_customer_id is not null limit :limit
    ) as met
    where customers.user_id = met.user_id and customers.identity_hash is null
    """  # noqa: S608  only a constant above is put in
)
_CHANGED = text(
    f"""
    select customers.user_id, customers.stripe_customer_id, people.email, people.name, {_HASH} as fresh
    from billing.customers join billing.users as people on people.key = billing.key_of_user(customers.user_id)
    where customers.stripe_customer_id is not null and customers.identity_hash <> {_HASH}
    order by customers.user_id limit :limit
    """  # noqa: S608  as above
)
_FOLLOWED = text("update billing.customers set identity_hash = :fresh where user_id = :user_id")
_MISS = text(
    """
    update billing.customers set missing_since = now()
    where missing_since is null and forgotten_at is null and identity_hash is not null
        and not exists (select from billing.users where key = billing.key_of_user(customers.user_id))
    """
)
_BACK = text(
    """
    update billing.customers set missing_since = null
    where missing_since is not null
        and exists (select from billing.users where key = billing.key_of_user(customers.user_id))
    """
)
_COUNT = text("select count(*) as everybody, count(missing_since) as missing from billing.customers")
_VANISHED = text(
    """
    select user_id, missing_since from billing.customers
    where missing_since <= now() - make_interval(hours => :hours) and forgotten_at is null
    order by missing_since limit :limit
    """
)

Person = Row[Any]


def identity_hash_of(user_id: str) -> Any:
    """A column's value: the hash of what the user is called at this moment."""
    statement: TextClause = text(
        f"(select {_HASH} from billing.users as people where people.key = billing.key_of_user(:identity_of))"  # noqa: S608  as above
    )
    return statement.bindparams(identity_of=user_id)


async def meet_everybody(engine: AsyncEngine, limit: int) -> int:
    """Take note of customers whom we see for the first time; Stripe is told of changes from now on."""
    async with engine.begin() as connection:
        return (await connection.execute(_MEET, {"limit": limit})).rowcount


async def changed_identities(engine: AsyncEngine, limit: int) -> Sequence[Person]:
    """Customers whose user has another name or address than Stripe was told."""
    async with engine.connect() as connection:
        return (await connection.execute(_CHANGED, {"limit": limit})).all()


async def note_identity(engine: AsyncEngine, user_id: str, fresh: str) -> None:
    """Stripe was told."""
    async with engine.begin() as connection:
        await connection.execute(_FOLLOWED, {"user_id": user_id, "fresh": fresh})


async def miss_users(engine: AsyncEngine) -> tuple[int, int]:
    """Note who is gone since now and who is back; answers how many customers there are, and how many are missing.

    Whom we have never seen among the users is not missed: a subscription may have been imported before its user.
    """
    async with engine.begin() as connection:
        await connection.execute(_BACK)
        await connection.execute(_MISS)
        row = (await connection.execute(_COUNT)).one()
    return row.everybody, row.missing


async def vanished_users(engine: AsyncEngine, hours: int, limit: int) -> Sequence[tuple[str, datetime]]:
    """Users who have been gone for so long, the longest first."""
    async with engine.connect() as connection:
        rows = (await connection.execute(_VANISHED, {"hours": hours, "limit": limit})).all()
    return [(row.user_id, row.missing_since) for row in rows]
