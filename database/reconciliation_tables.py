"""How fresh the books are: every reconciliation with Stripe, how far it came and what it found."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Index, Integer, Table, func, text
from sqlalchemy.dialects.postgresql import JSONB

from database.tables import metadata

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("finished_at", DateTime(timezone=True)),
    Column("is_scheduled", Boolean, nullable=False),
    Column("place", JSONB),
    Column("looked_at", Integer, nullable=False, server_default=text("0")),
    Column("agreed", Integer, nullable=False, server_default=text("0")),
    Column("repaired", Integer, nullable=False, server_default=text("0")),
    Column("needs_person", Integer, nullable=False, server_default=text("0")),
    Column("unreachable", Integer, nullable=False, server_default=text("0")),
    Column("problems", JSONB, nullable=False, server_default=text("'[]'")),
    Index("reconciliations_finished", text("finished_at desc"), postgresql_where=text("finished_at is not null")),
    Index("reconciliations_unfinished", "started_at", postgresql_where=text("finished_at is null")),
    comment="Rounds in which every subscription is compared with Stripe: how far, how many, and what was found",
)
"""``problems`` is a bounded list of what a person should see: user, subscription and what differs."""
