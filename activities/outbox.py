"""The letters that wait, as PostgreSQL keeps them: claimed with all that sending needs, and marked.

A claim is a moment in the row and no lock, for sending takes as long as the mail server likes.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, column, func, select, table, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.relevance import Standing
from database.tables import SCHEMA, cards, customers, invoice_links, notifications, subscriptions

CLAIM = timedelta(minutes=3)
"""How long a letter belongs to whoever claimed it and was not heard of since, doubled with each try before: perhaps the
server took it, so it is repeated seldom."""
_MOST_DOUBLINGS = 6


@dataclass(frozen=True)
class Face:
    """What a customer recognises a card by; every part may be unknown."""

    card_brand: str | None = None
    card_last4: str | None = None
    card_exp_month: int | None = None
    card_exp_year: int | None = None


@dataclass(frozen=True)
class Waiting:
    """One letter, its reader and where their subscription stands. Personal: it never leaves the activity.

    ``announced_card`` is the one that the occasion names, ``invoice_url`` that of the invoice which is open now.
    """

    id: UUID
    row: dict[str, Any]
    created_at: datetime
    attempts: int
    name: str | None
    address: str | None
    clock_offset: timedelta
    standing: Standing | None
    announced_card: Face
    invoice_url: str | None


@dataclass(frozen=True)
class Outcome:
    """What became of one letter; ``pending`` means that it is to be tried again.

    ``perhaps_sent``: the server was offered the letter and did not say whether it took it; the claim stands.
    """

    status: str
    reason: str | None = None
    server_is_away: bool = False
    perhaps_sent: bool = False


_users = table("users", column("id"), column("name"), column("email"), schema=SCHEMA)
_letter = [notifications.c[name] for name in ("id", "kind", "occasion", "data", "created_at", "attempts")]
_reader = [_users.c.name, _users.c.email, customers.c.clock_offset_seconds]
_standing = [subscriptions.c[field.name] for field in fields(Standing)]
_card = [cards.c.brand, cards.c.last4, cards.c.exp_month, cards.c.exp_year]


async def take(engine: AsyncEngine, letter_id: UUID) -> Waiting | None:
    """Claim the letter; ``None`` when it does not wait or another sender has claimed it."""
    claim = update(notifications).where(
        notifications.c.id == letter_id, notifications.c.status == "pending", _is_free()
    )
    async with engine.begin() as connection:
        if not (await connection.execute(claim.values(claimed_at=func.now()))).rowcount:
            return None
        return _read((await connection.execute(_waiting(letter_id))).one())


async def mark(connection: AsyncConnection, letter_id: UUID, outcome: Outcome) -> None:
    """Write down what became of it, and count the try unless there was none. What was sent stays sent."""
    tried = outcome.status != "skipped"
    await connection.execute(
        update(notifications)
        .where(notifications.c.id == letter_id, notifications.c.status == "pending")
        .values(
            status=outcome.status,
            last_error=outcome.reason,
            attempts=notifications.c.attempts + int(tried),
            claimed_at=notifications.c.claimed_at if outcome.perhaps_sent else None,
            sent_at=func.clock_timestamp() if outcome.status == "sent" else None,
        )
    )


def left_behind(age: timedelta, limit: int) -> Select[UUID]:
    """Letters that wait for longer than ``age``: the least tried first, the oldest of them first.

    One that the server always puts off cannot starve the others.
    """
    return (
        select(notifications.c.id)
        .where(notifications.c.status == "pending", notifications.c.created_at < func.now() - age, _is_free())
        .order_by(notifications.c.attempts, notifications.c.created_at)
        .limit(limit)
    )


def _is_free() -> ColumnElement[bool]:
    claimed_at, tries = notifications.c.claimed_at, func.least(notifications.c.attempts, _MOST_DOUBLINGS)
    return claimed_at.is_(None) | (claimed_at < func.now() - CLAIM * func.power(2, tries))


def _waiting(letter_id: UUID) -> Select[Any]:
    named = func.split_part(notifications.c.occasion, "/", 1)
    announced = (cards.c.payment_method_id == named) & (cards.c.user_id == notifications.c.user_id)
    everything = (
        notifications.outerjoin(_users, _users.c.id == notifications.c.user_id)
        .outerjoin(customers, customers.c.user_id == notifications.c.user_id)
        .outerjoin(subscriptions, subscriptions.c.user_id == notifications.c.user_id)
        .outerjoin(invoice_links, invoice_links.c.invoice_id == subscriptions.c.open_invoice_id)
        .outerjoin(cards, announced)
    )
    return (
        select(*_letter, *_reader, *_standing, *_card, invoice_links.c.url, subscriptions.c.seq)
        .select_from(everything)
        .where(notifications.c.id == letter_id)
    )


def _read(row: Row[Any]) -> Waiting:
    found = row._mapping
    standing = Standing(**{column.name: found[column] for column in _standing}) if row.seq is not None else None
    return Waiting(
        id=row.id,
        row={"kind": row.kind, "occasion": row.occasion, "data": row.data},
        created_at=row.created_at,
        attempts=row.attempts,
        name=row.name,
        address=row.email,
        clock_offset=timedelta(seconds=row.clock_offset_seconds or 0),
        standing=standing,
        announced_card=Face(row.brand, row.last4, row.exp_month, row.exp_year),
        invoice_url=(standing.open_invoice_url if standing else None) or row.url,
    )
