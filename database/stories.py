"""The whole story of one customer for operators: cause, decision and effect, from PostgreSQL alone.

What one decision changed was written in one transaction and carries its moment: lines of the timeline, letters, events
applied and operations completed. So each step is put together again when Temporal's history is long gone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_SUBSCRIPTION = text(
    """
    select subscriptions.*, coalesce(customers.clock_offset_seconds, 0) as clock_offset_seconds
    from billing.subscriptions left join billing.customers using (user_id) where user_id = :user_id
    """
)
_LINES = text(
    """
    select seq, at, recorded_at, entry, cause, cause_id, from_status, to_status, detail
    from billing.timeline where user_id = :user_id order by seq, position
    """
)
_LETTERS = text(
    """
    select id, kind, occasion, status, attempts, last_error, created_at, sent_at
    from billing.notifications where user_id = :user_id order by created_at, kind
    """
)
_OPERATIONS = text(
    """
    select id, kind, status, result, created_at, promised_at, completed_at, actor
    from billing.operations where user_id = :user_id order by created_at
    """
)
_EVENTS = text(
    """
    select id, type, object_id, status, created_at, received_at, delivered_at, applied_at
    from billing.events where user_id = :user_id and status <> 'ignored' order by received_at, id
    """
)


@dataclass(frozen=True)
class Step:
    """One decision: what brought it about, what was decided, and what followed.

    ``recorded_at`` is the wall clock's; ``at`` is the customer's own time, another one only for who travels in time.
    A step without decisions was a look that found nothing new, or something that still waits.
    """

    recorded_at: datetime
    at: datetime
    causes: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """All that is known of a user; ``subscription`` is the projection's row."""

    subscription: dict[str, Any] | None
    steps: list[Step]


async def read_story(engine: AsyncEngine, user_id: str) -> Story:
    """One user's story, oldest first; empty for somebody who never asked for anything."""
    found: list[list[dict[str, Any]]] = []
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        for statement in (_SUBSCRIPTION, _LINES, _LETTERS, _OPERATIONS, _EVENTS):
            rows = (await connection.execute(statement, {"user_id": user_id})).mappings().all()
            found.append([dict(row) for row in rows])
    subscription, lines, letters, operations, events = found
    row = subscription[0] if subscription else None
    return Story(row, _steps(lines, letters, [*map(_event, events), *map(_operation, operations)]))


def _steps(
    lines: Iterable[Mapping[str, Any]], letters: Iterable[Mapping[str, Any]], causes: Iterable[Any]
) -> list[Step]:
    steps: dict[datetime, Step] = {}
    decided_by: dict[str, datetime] = {}
    for line in lines:
        step = steps.setdefault(line["recorded_at"], Step(line["recorded_at"], line["at"]))
        step.decisions.append({name: line[name] for name in ("seq", "entry", "from_status", "to_status", "detail")})
        if line["cause_id"]:
            decided_by.setdefault(line["cause_id"], line["recorded_at"])
        cause = {"kind": line["cause"], "id": line["cause_id"]}
        if cause not in step.causes:
            step.causes.append(cause)
    for letter in letters:
        step = steps.setdefault(letter["created_at"], Step(letter["created_at"], letter["created_at"]))
        step.letters.append(dict(letter))
    for cause, moment, at in causes:
        moment = decided_by.get(cause["id"], moment)
        step = steps.setdefault(moment, Step(moment, at))
        named = next((known for known in step.causes if known["id"] == cause["id"]), None)
        if named is None:
            step.causes.append(cause)
        else:
            named.update(cause)
    return sorted(steps.values(), key=lambda step: (step.recorded_at, _seq(step)))


def _event(row: Mapping[str, Any]) -> tuple[dict[str, Any], datetime, datetime]:
    cause = {
        "kind": "event",
        "id": row["id"],
        "what": row["type"],
        "object": row["object_id"],
        "status": row["status"],
        "at": row["created_at"],
        "received_at": row["received_at"],
    }
    return cause, row["applied_at"] or row["received_at"], row["created_at"]


def _operation(row: Mapping[str, Any]) -> tuple[dict[str, Any], datetime, datetime]:
    result = row["result"] or {}
    cause = {
        "kind": "intent",
        "id": str(row["id"]),
        "what": row["kind"],
        "status": row["status"],
        "code": result.get("code"),
        "at": row["created_at"],
        "by": row["actor"],
        "promised_at": row["promised_at"],
    }
    return cause, row["completed_at"] or row["created_at"], row["created_at"]


def _seq(step: Step) -> int:
    return int(step.decisions[0]["seq"]) if step.decisions else 0
