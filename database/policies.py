"""Under which rules subscriptions run: read by the operator who moves them to others."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from lifecycle.statuses import Status

PAGE = 500

_LIVE = ", ".join(f"'{status}'" for status in Status if status.is_live)
_ONE = text(f"select user_id, plan, policy from billing.subscriptions where user_id = :user_id and status in ({_LIVE})")  # noqa: S608  the statuses are ours
_RULES = text(
    f"""
    select policy, count(*) as number from billing.subscriptions
    where plan = :plan and status in ({_LIVE})
    group by policy order by min(policy ->> 'version')
    """  # noqa: S608  as above
)
_PAGE = text(
    f"""
    select user_id, policy from billing.subscriptions
    where plan = :plan and status in ({_LIVE}) and user_id > :after
    order by user_id limit :limit
    """  # noqa: S608  as above
)


async def read_rules_of(engine: AsyncEngine, user_id: str) -> RowMapping | None:
    """Plan and rules of a running subscription."""
    async with engine.connect() as connection:
        return (await connection.execute(_ONE, {"user_id": user_id})).mappings().one_or_none()


async def count_by_rules(engine: AsyncEngine, plan: str) -> Sequence[tuple[Any, int]]:
    """The rules that subscriptions to a plan run under, and how many under each; None: not written down yet."""
    async with engine.connect() as connection:
        return [(row.policy, row.number) for row in await connection.execute(_RULES, {"plan": plan})]


async def subscribers_of(engine: AsyncEngine, plan: str) -> AsyncIterator[Sequence[RowMapping]]:
    """Everybody with a running subscription to a plan, page by page in the order of ids."""
    after = ""
    while True:
        async with engine.connect() as connection:
            found = await connection.execute(_PAGE, {"plan": plan, "after": after, "limit": PAGE})
            rows = found.mappings().all()
        if not rows:
            return
        yield rows
        after = rows[-1]["user_id"]
