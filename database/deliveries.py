"""Which events are to be handed to workflows now: claimed for a while, delivered, or put off.

A claim is a moment before which nobody else takes the customer's events (``next_attempt_at``). No row stays locked
while a signal is under way, so saving a decision never waits for Temporal. The claim is in the table and not in memory
because every API process and the sweep deliver; a customer whose signals fail is put off for all of them.
"""

from collections.abc import Sequence

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

CUSTOMERS = 200
EVENTS = 1_000
"""How much is claimed at once."""
CLAIM_SECONDS = 15
"""Longer than a signal may take; after a crash in between the events are signaled again, which costs one look."""
LONGEST_PAUSE_SECONDS = 60
"""A customer who cannot be told is tried after 2, 4, 8 … seconds, at last once a minute."""
ORPHANS = 1_000
DISPUTES = 100
ORPHANS_DAYS = 30
"""Older orphans have no owner any more: Stripe itself keeps events for 30 days."""

Event = Row[tuple[object, ...]]

_WAITING = """
    select user_id, min(received_at) as since,
        greatest(min(received_at) + make_interval(secs => :window), max(next_attempt_at)) as due_at
    from billing.events where status = 'pending' and user_id is not null group by user_id
"""
_CLAIM = text(
    f"""
    with waiting as ({_WAITING}),
    due as (
        select user_id, since from waiting where due_at <= now() - make_interval(secs => :overdue)
        order by since limit :customers
    ),
    taken as (
        select events.id from due join billing.events using (user_id)
        where events.status = 'pending' and (events.next_attempt_at is null or events.next_attempt_at <= now())
        order by due.since, due.user_id, events.received_at limit :events
        for update of events skip locked
    ),
    claimed as (
        update billing.events set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => :claim)
        from taken where events.id = taken.id
        returning events.*
    )
    select claimed.id, claimed.type, claimed.user_id, claimed.stripe_subscription_id, claimed.object_id,
        claimed.attempts,
        subscriptions.status in ('canceled', 'incomplete_expired')
            and subscriptions.stripe_subscription_id = claimed.stripe_subscription_id as is_over,
        subscriptions.status not in ('canceled', 'incomplete_expired') as lives
    from claimed left join billing.subscriptions using (user_id)
    order by claimed.user_id, claimed.received_at
    """  # noqa: S608  only a constant above is put in
)
_PAUSE = text(
    f"select extract(epoch from min(due_at) - now()) as seconds from ({_WAITING}) as waiting"  # noqa: S608  as above
)
_DELIVERED = text(
    """
    update billing.events set status = done.status, delivered_at = now(), next_attempt_at = null
    from unnest(cast(:ids as text[]), cast(:statuses as text[])) as done (id, status)
    where events.id = done.id and events.status = 'pending'
    """
)
_PUT_OFF = text(
    """
    update billing.events
    set next_attempt_at = now() + make_interval(secs => least(power(2, least(attempts, 16)), :longest))
    where id = any(:ids) and status = 'pending'
    """
)
_FIND_OWNERS = text(
    """
    with page as (
        select id, received_at, stripe_customer_id from billing.events
        where status = 'orphan' and received_at > now() - make_interval(days => :days)
            and (cast(:before as timestamptz) is null or (received_at, id) < (:before, :before_id))
        order by received_at desc, id desc limit :limit
    ),
    found as (
        update billing.events set status = 'pending', user_id = customers.user_id
        from page join billing.customers using (stripe_customer_id)
        where events.id = page.id and events.status = 'orphan'
    )
    select id, received_at from page order by received_at, id limit 1
    """
)
_WITHOUT_CUSTOMER = text(
    """
    select object_id, array_agg(id) as events from billing.events
    where status = 'orphan' and type like 'charge.dispute.%' and object_id is not null
        and stripe_customer_id is null and attempts = 0 and received_at > now() - make_interval(days => :days)
    group by object_id order by min(received_at) limit :limit
    """
)
_NAME_CUSTOMER = text(
    """
    update billing.events set stripe_customer_id = :customer, attempts = attempts + 1
    where id = any(:ids) and status = 'orphan'
    """
)


async def claim_due(engine: AsyncEngine, window: float, overdue: float = 0) -> Sequence[Event]:
    """The events of customers whose oldest has waited for ``window`` seconds, oldest first, claimed for the caller.

    With ``overdue``, only who could have been claimed so many seconds ago.
    """
    limits = {"window": window, "overdue": overdue, "claim": CLAIM_SECONDS, "customers": CUSTOMERS, "events": EVENTS}
    async with engine.begin() as connection:
        return (await connection.execute(_CLAIM, limits)).all()


async def seconds_until_due(engine: AsyncEngine, window: float) -> float | None:
    """When `claim_due` will find something; 0 or less is now, None is never."""
    async with engine.connect() as connection:
        seconds = (await connection.execute(_PAUSE, {"window": window})).scalar()
    return None if seconds is None else float(seconds)


async def mark_delivered(connection: AsyncConnection, statuses: Sequence[tuple[str, str]]) -> None:
    """Pairs of an event and its new status; one that its workflow has applied meanwhile stays applied."""
    if statuses:
        ids, marks = zip(*statuses, strict=True)
        await connection.execute(_DELIVERED, {"ids": list(ids), "statuses": list(marks)})


async def put_off(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Try these later, each time a longer while."""
    if ids:
        await connection.execute(_PUT_OFF, {"ids": list(ids), "longest": LONGEST_PAUSE_SECONDS})


async def find_owners(engine: AsyncEngine, before: Event | None = None) -> Event | None:
    """Look up one page of young orphans, the youngest first; answers where the next page begins, None at the end."""
    place = {"before": before.received_at if before else None, "before_id": before.id if before else None}
    async with engine.begin() as connection:
        limits = {"days": ORPHANS_DAYS, "limit": ORPHANS}
        return (await connection.execute(_FIND_OWNERS, {**place, **limits})).one_or_none()


async def disputes_without_customer(engine: AsyncEngine) -> Sequence[Event]:
    """Disputes that nobody has looked up yet, each with the ids of its ``events``, the oldest first."""
    async with engine.connect() as connection:
        return (await connection.execute(_WITHOUT_CUSTOMER, {"days": ORPHANS_DAYS, "limit": DISPUTES})).all()


async def name_customer(engine: AsyncEngine, ids: Sequence[str], customer: str | None) -> None:
    """Whose orphans these are, so that `find_owners` finds the user; None: nobody's, and not asked for again."""
    async with engine.begin() as connection:
        await connection.execute(_NAME_CUSTOMER, {"ids": list(ids), "customer": customer})
