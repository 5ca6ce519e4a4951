"""The audit: a row for every privileged act, written with what it lets happen or before it; no row, no act.

Rows hold ids only, apart from the operator's reason, which stays here: it is never logged and in no history. The
service may add rows and read them, and cannot change one (`database.roles`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    RowMapping,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from database.tables import metadata

LONGEST_REASON = 500

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text),
    Column("reason", Text),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Column("operation_id", Uuid),
    Column("request_id", Text),
    CheckConstraint("char_length(reason) <= 500", name="audit_reason_bounded"),
    Index("audit_of_subject", "subject", "id"),
    Index("audit_by_actor", "actor", "id"),
    comment="Privileged acts: who, what, about whom, and why; ids only, append-only",
)

_WRITE = text(
    """
    insert into billing.audit (actor, act, subject, reason, detail, operation_id, request_id)
    values (:actor, :act, :subject, :reason, :detail, :operation_id, :request_id)
    """
).bindparams(bindparam("detail", type_=JSONB), bindparam("operation_id", type_=Uuid))
_ALL = text("select * from billing.audit where id < :before order by id desc limit :limit")
_OF_SUBJECT = text(
    "select * from billing.audit where subject = :subject and id < :before order by id desc limit :limit"
)
_BY_ACTOR = text("select * from billing.audit where actor = :actor and id < :before order by id desc limit :limit")
_OF_SUBJECT_BY_ACTOR = text(
    """
    select * from billing.audit
    where subject = :subject and actor = :actor and id < :before order by id desc limit :limit
    """
)
NEWEST = 2**63 - 1


@dataclass(frozen=True)
class Act:
    """One privileged act. ``actor`` is the id of a user or an API key, or ``cli:`` and an operator.

    ``detail`` holds ids, amounts and moments, nothing that a person wrote.
    """

    actor: str
    name: str
    subject: str | None = None
    reason: str | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


async def write_act(connection: AsyncConnection, act: Act, operation_id: UUID | None = None) -> None:
    """Write it down, in the transaction of whatever it lets happen."""
    values = {
        "actor": act.actor,
        "act": act.name,
        "subject": act.subject,
        "reason": act.reason,
        "detail": dict(act.detail),
        "operation_id": operation_id,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
    }
    await connection.execute(_WRITE, values)


async def write_act_first(engine: AsyncEngine, act: Act, operation_id: UUID | None = None) -> None:
    """Write it down before an act that has no transaction of its own here; committed when this returns."""
    async with engine.begin() as connection:
        await write_act(connection, act, operation_id)


async def read_audit(
    engine: AsyncEngine, *, subject: str | None = None, actor: str | None = None, before: int = NEWEST, limit: int
) -> Sequence[RowMapping]:
    """Acts about a user, by an actor, both or all, the newest first; ``before`` is the id of the last one seen."""
    values: dict[str, Any] = {"before": before, "limit": limit}
    if subject is not None:
        values["subject"] = subject
    if actor is not None:
        values["actor"] = actor
    statement = {
        (False, False): _ALL,
        (True, False): _OF_SUBJECT,
        (False, True): _BY_ACTOR,
        (True, True): _OF_SUBJECT_BY_ACTOR,
    }[subject is not None, actor is not None]
    async with engine.connect() as connection:
        return (await connection.execute(statement, values)).mappings().all()
