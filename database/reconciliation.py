"""What a reconciliation reads of our own books, and where it writes down how far it came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

PROBLEMS_KEPT = 200
"""How many findings a round keeps for people; the counts say how many there were."""
CONTINUED_WITHIN_DAYS = 3

_ROWS_OF_SUBSCRIPTIONS = text("select * from billing.subscriptions where stripe_subscription_id = any(:ids)")
_ROWS_OF_USERS = text("select * from billing.subscriptions where user_id = any(:ids)")
_BEGUN_BETWEEN = text(
    """
    select * from billing.subscriptions
    where status not in ('canceled', 'incomplete_expired')
        and coalesce(started_at, created_at) > coalesce(cast(:after as timestamptz), '-infinity')
        and coalesce(started_at, created_at) <= coalesce(cast(:until as timestamptz), 'infinity')
        and (
            cast(:user_id as text) is null
            or coalesce(started_at, created_at) < cast(:until as timestamptz)
            or user_id < cast(:user_id as text)
        )
        and (stripe_subscription_id is null or not (stripe_subscription_id = any(cast(:seen as text[]))))
    order by coalesce(started_at, created_at) desc, user_id desc
    limit :limit
    """
)
_OWNERS = text("select stripe_customer_id, user_id from billing.customers where stripe_customer_id = any(:ids)")
_USERS = text(
    """
    select id from billing.users
    where key = any(array(select billing.key_of_user(one) from unnest(cast(:ids as text[])) as one))
    """
)
_IN_MOTION = text(
    "select distinct user_id from billing.events where user_id = any(:ids) and status in ('pending', 'delivered')"
)
_HOW_MANY = text("select greatest(reltuples, 0) as rows from pg_class where oid = 'billing.subscriptions'::regclass")

_CONTINUE = text(
    """
    select id, started_at, place from billing.reconciliations
    where finished_at is null and is_scheduled and started_at > now() - make_interval(days => :days)
    order by started_at desc limit 1
    """
)
_BEGIN = text(
    "insert into billing.reconciliations (is_scheduled) values (:is_scheduled) returning id, started_at, place"
)
_NOTE = text(
    """
    update billing.reconciliations
    set place = :place, looked_at = looked_at + :looked_at, agreed = agreed + :agreed, repaired = repaired + :repaired,
        needs_person = needs_person + :needs_person, unreachable = unreachable + :unreachable,
        problems = case when jsonb_array_length(problems) < :kept then problems || :problems else problems end
    where id = :id
    """
).bindparams(bindparam("place", type_=JSONB(none_as_null=True)), bindparam("problems", type_=JSONB))
_FINISH = text("update billing.reconciliations set finished_at = now(), place = null where id = :id")
_ROUND = text("select * from billing.reconciliations where id = :id")
_LAST = text("select * from billing.reconciliations where finished_at is not null order by finished_at desc limit 1")
_AGE = text(
    """
    select coalesce(extract(epoch from now() - max(finished_at)), -1) as seconds
    from billing.reconciliations where finished_at is not null
    """
)


@dataclass(frozen=True)
class Round:
    """One comparison of everything; ``place`` is where an interrupted one goes on."""

    id: int
    started_at: datetime
    place: dict[str, Any] | None


@dataclass(frozen=True)
class Counts:
    """How many subscriptions were looked at, and what was said of them."""

    looked_at: int = 0
    agreed: int = 0
    repaired: int = 0
    needs_person: int = 0
    unreachable: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)


async def rows_of_subscriptions(engine: AsyncEngine, ids: Sequence[str]) -> dict[str, RowMapping]:
    """Rows of the projection by Stripe's id."""
    rows = await _read(engine, _ROWS_OF_SUBSCRIPTIONS, {"ids": list(ids)})
    return {row["stripe_subscription_id"]: row for row in rows}


async def rows_of_users(engine: AsyncEngine, ids: Sequence[str]) -> dict[str, RowMapping]:
    """Rows of the projection by user."""
    return {row["user_id"]: row for row in await _read(engine, _ROWS_OF_USERS, {"ids": list(ids)})}


async def rows_begun_between(
    engine: AsyncEngine,
    *,
    after: datetime | None,
    until: datetime | None,
    before_user: str | None,
    seen: Sequence[str],
    limit: int,
) -> Sequence[RowMapping]:
    """Running subscriptions that began in (after, until] and are not among ``seen``, the youngest first.

    ``before_user``: of those that began exactly at ``until``, only the ones before this user are left.
    """
    values = {"after": after, "until": until, "user_id": before_user, "seen": list(seen), "limit": limit}
    return await _read(engine, _BEGUN_BETWEEN, values)


async def owners_of(engine: AsyncEngine, customer_ids: Sequence[str]) -> dict[str, str]:
    """Whose Stripe customers these are."""
    rows = await _read(engine, _OWNERS, {"ids": list(customer_ids)})
    return {row["stripe_customer_id"]: row["user_id"] for row in rows}


async def users_among(engine: AsyncEngine, ids: Sequence[str]) -> set[str]:
    """Those whom Better-Auth knows."""
    return {row["id"] for row in await _read(engine, _USERS, {"ids": list(ids)})}


async def users_in_motion(engine: AsyncEngine, ids: Sequence[str]) -> set[str]:
    """Those of whom an event is under way: what differs now need not differ in a second."""
    return {row["user_id"] for row in await _read(engine, _IN_MOTION, {"ids": list(ids)})}


async def about_how_many(engine: AsyncEngine) -> int:
    """Rows of the projection, as PostgreSQL estimates them; counting ten million takes too long."""
    return int((await _read(engine, _HOW_MANY, {}))[0]["rows"])


async def begin_round(engine: AsyncEngine, *, is_scheduled: bool) -> Round:
    """The scheduled round that was interrupted, or a new one."""
    async with engine.begin() as connection:
        found = None
        if is_scheduled:
            found = (await connection.execute(_CONTINUE, {"days": CONTINUED_WITHIN_DAYS})).mappings().one_or_none()
        row = found or (await connection.execute(_BEGIN, {"is_scheduled": is_scheduled})).mappings().one()
    return Round(**row)


async def note_progress(engine: AsyncEngine, round_id: int, counts: Counts, place: Mapping[str, Any] | None) -> None:
    """Counts and place in one statement: what is repeated after a crash is counted once."""
    values = {name: getattr(counts, name) for name in Counts.__dataclass_fields__}
    async with engine.begin() as connection:
        await connection.execute(_NOTE, {**values, "id": round_id, "place": place, "kept": PROBLEMS_KEPT})


async def finish_round(engine: AsyncEngine, round_id: int) -> None:
    """Everything was looked at."""
    async with engine.begin() as connection:
        await connection.execute(_FINISH, {"id": round_id})


async def read_round(engine: AsyncEngine, round_id: int) -> RowMapping:
    """One round as it stands."""
    return (await _read(engine, _ROUND, {"id": round_id}))[0]


async def read_last_round(engine: AsyncEngine) -> RowMapping | None:
    """The one that was finished last; None when there never was one."""
    return next(iter(await _read(engine, _LAST, {})), None)


async def read_age(engine: AsyncEngine) -> float:
    """Seconds since a round through everything was finished; -1 when none ever was."""
    return float((await _read(engine, _AGE, {}))[0]["seconds"])


async def _read(engine: AsyncEngine, statement: Any, values: Mapping[str, Any]) -> Sequence[RowMapping]:
    async with engine.connect() as connection:
        return (await connection.execute(statement, values)).mappings().all()
