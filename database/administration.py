"""What operators read and do: one user's refund and letters, anybody's operation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

_DONE = text(
    """
    select at, detail from billing.timeline
    where user_id = :user_id and entry = :entry and cause = 'intent' and cause_id = :operation_id
    order by seq, position limit 1
    """
)
_LETTERS = text(
    """
    select id, kind, occasion, status, attempts, last_error, created_at, sent_at
    from billing.notifications where user_id = :user_id order by created_at desc, id limit :limit
    """
)
_SEND_AGAIN = text(
    """
    update billing.notifications
    set status = 'pending', attempts = 0, last_error = null, sent_at = null, claimed_at = null
    where id = :id and user_id = :user_id and status <> 'pending'
    """
)
_HAS_LETTER = text("select 1 from billing.notifications where id = :id and user_id = :user_id")
_OWNER = text("select user_id from billing.operations where id = :id")


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


async def read_letters(engine: AsyncEngine, user_id: str, limit: int) -> Sequence[RowMapping]:
    """A user's letters, the newest first."""
    async with engine.connect() as connection:
        return (await connection.execute(_LETTERS, {"user_id": user_id, "limit": limit})).mappings().all()


async def has_letter(engine: AsyncEngine, user_id: str, letter_id: UUID) -> bool:
    """Whether this letter is one of the user's."""
    async with engine.connect() as connection:
        return (await connection.execute(_HAS_LETTER, {"user_id": user_id, "id": letter_id})).first() is not None


async def send_again(engine: AsyncEngine, user_id: str, letter_id: UUID) -> None:
    """Let a letter wait once more; the sweep sends it, under the same Message-ID. One that waits is left alone."""
    async with engine.begin() as connection:
        await connection.execute(_SEND_AGAIN, {"user_id": user_id, "id": letter_id})
