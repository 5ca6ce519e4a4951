"""What administrators read: roles, one user's refund, anybody's operation."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_ROLE = text('select role from public."user" where id = :user_id')
_DONE = text(
    """
    select at, detail from billing.timeline
    where user_id = :user_id and entry = :entry and cause = 'intent' and cause_id = :operation_id
    order by seq, position limit 1
    """
)
_OWNER = text("select user_id from billing.operations where id = :id")


async def roles_of(engine: AsyncEngine, user_id: str) -> frozenset[str]:
    """The roles that Better-Auth gives a user: https://www.better-auth.com/docs/plugins/admin (a list with commas)."""
    async with engine.connect() as connection:
        listed: str | None = (await connection.execute(_ROLE, {"user_id": user_id})).scalar()
    return frozenset(role.strip() for role in (listed or "").split(",") if role.strip())


async def read_refund(engine: AsyncEngine, user_id: str, operation_id: UUID) -> dict[str, Any] | None:
    """The refund that an operation made, as the timeline tells of it."""
    told = await _told(engine, user_id, "refunded", operation_id)
    return None if told is None else {"at": told[0], **told[1]}


async def read_policy_move(
    engine: AsyncEngine, user_id: str, operation_id: UUID
) -> tuple[datetime, dict[str, str]] | None:
    """When an operation moved a subscription to other rules, and what the timeline tells of it."""
    return await _told(engine, user_id, "policy_moved", operation_id)


async def owner_of(engine: AsyncEngine, operation_id: UUID) -> str | None:
    """The user whom an operation is about."""
    async with engine.connect() as connection:
        owner: str | None = (await connection.execute(_OWNER, {"id": operation_id})).scalar()
    return owner


async def _told(
    engine: AsyncEngine, user_id: str, entry: str, operation_id: UUID
) -> tuple[datetime, dict[str, str]] | None:
    """The first line of this name that an operation left, by the timeline's own index."""
    values = {"user_id": user_id, "entry": entry, "operation_id": str(operation_id)}
    async with engine.connect() as connection:
        row = (await connection.execute(_DONE, values)).one_or_none()
    return None if row is None else (row.at, row.detail)
