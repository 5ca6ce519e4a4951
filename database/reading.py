"""What the API reads: one statement a question, each by an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from lifecycle.access import Standing
from lifecycle.entitlements import Entitlements, entitlements_at
from lifecycle.plans import Catalogue
from lifecycle.statuses import Status

SUBSCRIPTION = text(
    """
    select subscriptions.*, customers.currency as customer_currency,
        coalesce(customers.clock_offset_seconds, 0) as clock_offset_seconds
    from billing.subscriptions
    left join billing.customers using (user_id)
    where user_id = :user_id
    """
)
_STANDING = text(
    """
    select customers.stripe_customer_id, customers.currency, subscriptions.status,
        subscriptions.stripe_subscription_id, subscriptions.amount, subscriptions.trial_ends_at,
        subscriptions.currency as subscription_currency,
        coalesce(customers.clock_offset_seconds, 0) as clock_offset_seconds
    from (select cast(:user_id as text) as user_id) as who
    left join billing.customers using (user_id)
    left join billing.subscriptions using (user_id)
    """
)
_TIMELINE_OLDEST_FIRST = text(
    """
    select seq, position, at, entry, cause, cause_id, from_status, to_status, detail
    from billing.timeline
    where user_id = :user_id and (seq, position) > (:seq, :position)
        and (:in_full or entry not in ('needs_attention', 'acknowledged', 'reconciled', 'recovered'))
    order by seq, position
    limit :limit
    """
)
_TIMELINE_NEWEST_FIRST = text(
    """
    select seq, position, at, entry, cause, cause_id, from_status, to_status, detail
    from billing.timeline
    where user_id = :user_id and (seq, position) < (:seq, :position)
        and (:in_full or entry not in ('needs_attention', 'acknowledged', 'reconciled', 'recovered'))
    order by seq desc, position desc
    limit :limit
    """
)
_LEDGER_LAG = text(
    """
    select coalesce(extract(epoch from now() - min(received_at)), 0) as seconds
    from billing.events where status = 'pending'
    """
)
_READY = text("select version_num from billing.alembic_version")

_READING: WeakKeyDictionary[AsyncEngine, AsyncEngine] = WeakKeyDictionary()

BEFORE_THE_FIRST = (-1, -1)
AFTER_THE_LAST = (2**63 - 1, 2**15 - 1)


@dataclass(frozen=True)
class CustomerStanding:
    """What a checkout or portal must know of a customer; empty for one who never was."""

    stripe_customer_id: str | None = None
    status: str | None = None
    stripe_subscription_id: str | None = None
    amount: int | None = None
    trial_ends_at: datetime | None = None
    clock_offset_seconds: int = 0
    currency: str | None = None
    subscription_currency: str | None = None

    @property
    def is_live(self) -> bool:
        """There is a subscription and it is not over."""
        return Status(self.status or Status.NONE).is_live

    @property
    def own_currency(self) -> str | None:
        """What the customer is charged in, or will be when the trial that runs is over; None: they may choose."""
        return self.currency or (self.subscription_currency if self.is_live else None)

    @property
    def is_cardless(self) -> bool:
        """A trial or pause that Stripe does not know of; see `lifecycle.cardless`."""
        return self.is_live and self.stripe_subscription_id is None


async def read_subscription(engine: AsyncEngine, user_id: str) -> dict[str, Any] | None:
    """The user's projection with ``clock_offset_seconds``, how far the customer's clock is ahead of the wall's."""
    row = await read_one(engine, SUBSCRIPTION, {"user_id": user_id})
    return dict(row) if row is not None else None


def standing_in(row: Mapping[str, Any]) -> Standing:
    """What access depends on, in a row of the projection that has a status."""
    return Standing(
        status=Status(row["status"]),
        trial_ends_at=row["trial_ends_at"],
        current_period_ends_at=row["current_period_ends_at"],
        cancel_at_period_end=row["cancel_at_period_end"],
        cancel_at=row["cancel_at"],
        grace_ends_at=row["grace_ends_at"],
        is_suspended=row["suspended_at"] is not None,
        is_free=row["amount"] == 0,
    )


def entitled_by(row: Mapping[str, Any] | None, catalogue: Catalogue, now: datetime) -> Entitlements:
    """What a row of the projection grants at ``now`` on its customer's clock; nothing where there never was one.

    Nobody is on a free plan unasked: it is subscribed to like any other.
    """
    if row is None or row["status"] is None:
        return entitlements_at(catalogue, None, 0, Standing(Status.NONE), now)
    seats = 1 if row["quantity"] is None else row["quantity"]
    return entitlements_at(catalogue, row["plan"], seats, standing_in(row), now)


async def read_standing(engine: AsyncEngine, user_id: str) -> CustomerStanding:
    """Who the user is to Stripe, and where the subscription stands."""
    row = await read_one(engine, _STANDING, {"user_id": user_id})
    return CustomerStanding(**(row or {}))


async def read_timeline(
    engine: AsyncEngine,
    user_id: str,
    *,
    beyond: tuple[int, int] | None,
    newest_first: bool,
    limit: int,
    in_full: bool = False,
) -> Sequence[RowMapping]:
    """Up to ``limit`` entries beyond the place (seq, position), in the order asked for; what calls an operator is
    not told to the customer, unless it is to be told ``in_full``."""
    statement = _TIMELINE_NEWEST_FIRST if newest_first else _TIMELINE_OLDEST_FIRST
    seq, position = beyond or (AFTER_THE_LAST if newest_first else BEFORE_THE_FIRST)
    values = {"user_id": user_id, "seq": seq, "position": position, "limit": limit, "in_full": in_full}
    async with _reading(engine).connect() as connection:
        return (await connection.execute(statement, values)).mappings().all()


async def read_ledger_lag(engine: AsyncEngine) -> float:
    """Seconds since the oldest event arrived that no workflow has been told of; 0 when there is none."""
    row = await read_one(engine, _LEDGER_LAG, {})
    return 0.0 if row is None else float(row["seconds"])


async def read_schema_version(engine: AsyncEngine) -> str | None:
    """The migration that the database is at; raises what SQLAlchemy raises when it is away or was never migrated."""
    row = await read_one(engine, _READY, {})
    return None if row is None else str(row["version_num"])


async def read_one(engine: AsyncEngine, statement: TextClause, values: Mapping[str, Any]) -> RowMapping | None:
    """The only row, or none, without the round trips of a transaction."""
    async with _reading(engine).connect() as connection:
        return (await connection.execute(statement, values)).mappings().first()


def _reading(engine: AsyncEngine) -> AsyncEngine:
    """A single select needs no transaction around it; this saves two round trips.

    One for each engine: making it for every query cost more than the query.
    """
    reading = _READING.get(engine)
    if reading is None:
        reading = _READING[engine] = engine.execution_options(isolation_level="AUTOCOMMIT")
    return reading
