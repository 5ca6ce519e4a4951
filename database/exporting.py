"""Everything that is held on one user, row by row; nothing of anybody else, and no address that opens a page.

Whole rows, so that a column of tomorrow is in it by itself. Of privileged acts the user sees what was done and when,
not who did it and the reason they gave: those are of somebody else.
"""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

PAGE = 500

_ONE: dict[str, TextClause] = {
    "customer": text("select * from billing.customers where user_id = :user_id"),
    "subscription": text("select * from billing.subscriptions where user_id = :user_id"),
}
_MANY: dict[str, TextClause] = {
    "timeline": text("select * from billing.timeline where user_id = :user_id order by seq, position"),
    "operations": text(
        """
        select id, case when actor like 'operator:%' then null else idempotency_key end as idempotency_key,
            kind, status, result, intent - 'by' as intent, created_at, completed_at, promised_at, asked_at,
            case when kind not in ('checkout', 'portal') then answer end as answer
        from billing.operations where user_id = :user_id order by created_at, id
        """
    ),
    "letters": text("select * from billing.notifications where user_id = :user_id order by created_at, id"),
    "cards": text("select * from billing.cards where user_id = :user_id order by payment_method_id"),
    "invoice_links": text("select * from billing.invoice_links where user_id = :user_id order by created_at"),
    "trial_claims": text("select * from billing.trial_claims where user_id = :user_id order by kind, digest"),
    "memberships": text("select * from billing.project_members where user_id = :user_id order by project_id"),
    "audit": text("select at, act, detail, operation_id from billing.audit where subject = :user_id order by id"),
    "events": text("select * from billing.events where user_id = :user_id order by received_at, id"),
}

Row = dict[str, Any]


async def export_one(engine: AsyncEngine, user_id: str) -> dict[str, Row | None]:
    """What there is once of a user."""
    found: dict[str, Row | None] = {}
    async with engine.connect() as connection:
        for name, statement in _ONE.items():
            row = (await connection.execute(statement, {"user_id": user_id})).mappings().one_or_none()
            found[name] = dict(row) if row else None
    return found


async def export_many(engine: AsyncEngine, user_id: str) -> AsyncIterator[tuple[str, AsyncIterator[Row]]]:
    """What there is many times, table by table; rows come in pages, however many there are."""
    for name, statement in _MANY.items():
        yield name, _rows(engine, statement, user_id)


async def _rows(engine: AsyncEngine, statement: TextClause, user_id: str) -> AsyncIterator[Row]:
    async with engine.connect() as connection:
        paged = {"yield_per": PAGE}
        found = await connection.stream(statement, {"user_id": user_id}, execution_options=paged)
        async for row in found.mappings():
            yield _without_operators(dict(row))


def _without_operators(row: Row) -> Row:
    """What happened, and when, but not the operator's id that a line of the timeline may name."""
    if "cause" in row:
        row["detail"] = {key: value for key, value in row["detail"].items() if key != "by"}
        row["cause_id"] = None if row["cause"] == "person" else row["cause_id"]
    return row
