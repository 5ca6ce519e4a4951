"""Commands that were answered with 202: what was asked is kept until it is known how it ended.

A Temporal update that no worker has accepted lives only in the server's memory; this is what survives a restart.
https://docs.temporal.io/encyclopedia/workflow-message-passing#sending-updates
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, TypeAdapter
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from lifecycle.intents import Intent

PATIENCE_SECONDS = 30
"""How long a workflow is given, each time, before it is asked again."""

_INTENT: TypeAdapter[Intent] = TypeAdapter(Annotated[Intent, Field(discriminator="kind")])

_PROMISE = text(
    """
    update billing.operations
    set intent = coalesce(intent, :intent), promised_at = coalesce(promised_at, now()), asked_at = now(),
        busy_until = null
    where id = :id and status = 'pending'
    """
).bindparams(bindparam("intent", type_=JSONB))
_TAKE = text(
    """
    update billing.operations as taken set asked_at = now()
    from (
        select id from billing.operations
        where status = 'pending' and promised_at is not null
            and asked_at < now() - make_interval(secs => :patience)
        order by asked_at limit :limit
        for update skip locked
    ) as waiting
    where taken.id = waiting.id
    returning taken.id, taken.user_id, taken.intent, taken.promised_at
    """
)


@dataclass(frozen=True)
class Promise:
    """A command that its user may rely on. ``intent`` is as it was kept: a release that cannot read it lets it wait."""

    operation_id: UUID
    user_id: str
    kept: Any

    def intent(self) -> Intent:
        """What was asked. Raises `ValueError` for what this release does not know."""
        return _INTENT.validate_python(self.kept)


async def promise(engine: AsyncEngine, operation_id: UUID, intent: Intent) -> None:
    """Keep what was asked before 202 is answered; an operation that has ended meanwhile needs no promise."""
    kept = _INTENT.dump_python(intent, mode="json")
    async with engine.begin() as connection:
        await connection.execute(_PROMISE, {"id": operation_id, "intent": kept})


async def take_promises(engine: AsyncEngine, limit: int) -> list[Promise]:
    """Promises whose workflow was not asked for half a minute: of all, those that waited longest, in their order.

    They count as asked now, so that two takers never get the same ones, and one that is never done starves no other.
    """
    async with engine.begin() as connection:
        rows = (await connection.execute(_TAKE, {"patience": PATIENCE_SECONDS, "limit": limit})).all()
    return [Promise(row.id, row.user_id, row.intent) for row in sorted(rows, key=attrgetter("promised_at"))]
