"""Intents by Idempotency-Key: what was asked under a key, and what was answered."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from database.audit import Act, write_act
from lifecycle.intents import Outcome, Result
from lifecycle.refusals import Refusal

_COLUMNS = "id, kind, fingerprint, status, result, answer, created_at, completed_at"

_BEGIN = text(
    f"""
    with begun as (
        insert into billing.operations (id, user_id, idempotency_key, kind, fingerprint, actor, busy_until)
        values (:id, :user_id, :key, :kind, :fingerprint, :actor, now() + make_interval(secs => :busy))
        on conflict (user_id, idempotency_key) do nothing
        returning {_COLUMNS}
    ), taken_up as (
        update billing.operations set busy_until = now() + make_interval(secs => :busy)
        where user_id = :user_id and idempotency_key = :key and status = 'pending' and fingerprint = :fingerprint
            and (busy_until is null or busy_until <= now()) and not exists (select from begun)
        returning {_COLUMNS}
    )
    select {_COLUMNS}, true as is_ours from begun
    union all
    select {_COLUMNS}, true as is_ours from taken_up
    union all
    select {_COLUMNS}, false as is_ours from billing.operations
    where user_id = :user_id and idempotency_key = :key
        and not exists (select from begun) and not exists (select from taken_up)
    """  # noqa: S608  the columns are a constant above
)
_FIND = text(f"select {_COLUMNS} from billing.operations where id = :id and user_id = :user_id")  # noqa: S608  as above
_FIND_BY_KEY = text(
    f"select {_COLUMNS} from billing.operations where user_id = :user_id and idempotency_key = :key"  # noqa: S608  as above
)
_LET_GO = text("update billing.operations set busy_until = null where id = :id and status = 'pending'")
_COMPLETE = text(
    """
    update billing.operations
    set status = :status, result = :result, answer = :answer, completed_at = now()
    where id = :id and status = 'pending'
    """
).bindparams(bindparam("result", type_=JSONB(none_as_null=True)), bindparam("answer", type_=JSONB(none_as_null=True)))
_REMEMBER = text("update billing.operations set answer = :answer where id = :id and answer is null").bindparams(
    bindparam("answer", type_=JSONB)
)


@dataclass(frozen=True)
class Operation:
    """One intent under its key. ``result`` is an `Outcome` as JSON; ``answer`` is the body that was sent."""

    id: UUID
    kind: str
    fingerprint: str
    status: str
    result: dict[str, Any] | None
    answer: dict[str, Any] | None
    created_at: datetime
    completed_at: datetime | None
    is_ours: bool = False
    """Nobody else is at work on it now: it was begun by this request, or taken up after another one had let go."""

    @property
    def is_pending(self) -> bool:
        return self.status == "pending"


async def begin_operation(
    engine: AsyncEngine,
    user_id: str,
    key: str | None,
    kind: str,
    fingerprint: str,
    *,
    actor: str | None = None,
    act: Act | None = None,
    busy_seconds: float = 0,
) -> Operation:
    """The user's operation under this key, begun now when there was none.

    Without a key it is a new one each time. Whether the fingerprint fits is for the caller to compare. ``actor`` is who
    asked, when it was not the user in person. A privileged ``act`` is written down with the operation that it begins:
    both are there, or neither. For ``busy_seconds`` it is nobody else's, unless it ends or is let go before.
    """
    operation_id = uuid4()
    values = {
        "id": operation_id,
        "user_id": user_id,
        "key": key or f"generated:{operation_id}",
        "kind": kind,
        "fingerprint": fingerprint,
        "actor": actor,
        "busy": busy_seconds,
    }
    while True:  # a row that another request commits in between shows itself the second time
        async with engine.begin() as connection:
            row = (await connection.execute(_BEGIN, values)).mappings().first()
            if act is not None and row is not None and row["id"] == operation_id:
                await write_act(connection, act, operation_id)
        if row is not None:
            return _operation(row)


async def let_go(engine: AsyncEngine, operation_id: UUID) -> None:
    """Another request may take it up; one that has ended needs nobody."""
    async with engine.begin() as connection:
        await connection.execute(_LET_GO, {"id": operation_id})


async def find_operation(engine: AsyncEngine, user_id: str, operation_id: UUID) -> Operation | None:
    """The user's own operation; another's is as if it were not there."""
    async with engine.connect() as connection:
        row = (await connection.execute(_FIND, {"id": operation_id, "user_id": user_id})).mappings().first()
    return _operation(row) if row is not None else None


async def find_ended(engine: AsyncEngine, user_id: str, key: str, fingerprint: str) -> Operation | None:
    """The operation of exactly this request, when it has ended."""
    async with engine.connect() as connection:
        row = (await connection.execute(_FIND_BY_KEY, {"user_id": user_id, "key": key})).mappings().first()
    operation = _operation(row) if row is not None else None
    return operation if operation and operation.fingerprint == fingerprint and not operation.is_pending else None


async def complete_operation(
    engine: AsyncEngine,
    operation_id: UUID,
    status: str,
    result: dict[str, Any] | None = None,
    answer: dict[str, Any] | None = None,
) -> None:
    """Close an operation that no workflow closes: a refusal, a checkout or a portal. Closed already, it stays."""
    async with engine.begin() as connection:
        await connection.execute(_COMPLETE, {"id": operation_id, "status": status, "result": result, "answer": answer})


async def refuse_operation(engine: AsyncEngine, operation_id: UUID, refusal: Refusal) -> Outcome:
    """Close an operation that did not fit; asking again under its key is refused the same way."""
    outcome = Outcome(Result.REFUSED, refusal.code.value, refusal.detail)
    await complete_operation(engine, operation_id, "refused", result=asdict(outcome))
    return outcome


async def remember_answer(engine: AsyncEngine, operation_id: UUID, answer: dict[str, Any]) -> None:
    """Keep the body that was answered first, so that asking again months later reads the same."""
    async with engine.begin() as connection:
        await connection.execute(_REMEMBER, {"id": operation_id, "answer": answer})


def _operation(row: RowMapping) -> Operation:
    return Operation(**row)
