"""PostgreSQL, as activities: how a life begins, and one transaction for everything that a decision changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio import activity

from activities.letters import row_from_due
from activities.orders import Beginning, Entry, Saved, Saving
from activities.remembering import subscription_from_row
from activities.told import read_told
from database import tables
from database.cache import Cache
from database.trial_claims import claim_by_email, has_used_trial
from lifecycle.intents import Outcome, Result
from lifecycle.notifications import NotificationDue
from lifecycle.plans import Catalogue
from lifecycle.policy import policy_as_kept
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription

_OPERATION_STATUS = {Result.DONE: "succeeded"}
_FRESH: dict[str, Any] = {
    column.name: func.now() if column.name == "updated_at" else column
    for column in tables.subscriptions.alias("excluded").c
    if column.name not in {"user_id", "created_at"}
}
"""Made once: ``excluded`` of a statement makes every column of the table anew, for milliseconds of each save."""


class Records:
    """Reads and writes what everybody reads."""

    def __init__(
        self,
        engine: AsyncEngine,
        catalogue: Catalogue,
        *,
        continue_as_new_after_events: int,
        lets_travel_in_time: bool = False,
        cache: Cache | None = None,
    ) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._travels = lets_travel_in_time
        self._cache = cache or Cache()
        self._history_limit = continue_as_new_after_events

    @activity.defn(name="records.begin")
    async def begin(self, user_id: str) -> Beginning:
        """What outlived the user's earlier lives."""
        of_user = select(tables.customers).where(tables.customers.c.user_id == user_id)
        last_line = select(func.max(tables.timeline.c.seq)).where(tables.timeline.c.user_id == user_id)
        last_look = select(tables.subscriptions.c.seq).where(tables.subscriptions.c.user_id == user_id)
        last_seq = select(func.greatest(last_line.scalar_subquery(), last_look.scalar_subquery()))
        running = select(tables.subscriptions).where(
            tables.subscriptions.c.user_id == user_id,
            tables.subscriptions.c.status.not_in([status.value for status in Status if status.is_over]),
        )
        user = text("select exists (select from billing.users where key = billing.key_of_user(:user_id))")
        async with self._engine.connect() as connection:
            is_known_user = bool((await connection.execute(user, {"user_id": user_id})).scalar())
            trial_used = await has_used_trial(connection, user_id)
            row = (await connection.execute(running)).mappings().one_or_none()
            customer = (await connection.execute(of_user)).one_or_none()
            seq = (await connection.execute(last_seq)).scalar() or 0
            told = await read_told(connection, user_id)
        offset = customer.clock_offset_seconds if customer and self._travels else 0
        return Beginning(
            seq=seq,
            trial_used=trial_used,
            stripe_customer_id=customer.stripe_customer_id if customer else None,
            is_known_user=is_known_user,
            stripe_subscription_id=row["stripe_subscription_id"] if row else None,
            remembered=subscription_from_row(dict(row), self._catalogue) if row else None,
            now=datetime.now(UTC) + timedelta(seconds=offset) if offset else None,
            continue_as_new_after_events=self._history_limit,
            disputes=told.disputes,
            refunds=told.refunds,
            currency=customer.currency if customer else None,
        )

    @activity.defn(name="records.save")
    async def save(self, saving: Saving) -> Saved:
        """Projection, timeline, letters due, applied events and outcomes, all or nothing; saving twice changes nothing.

        A save that comes late (a newer one is there) leaves the projection alone.
        """
        async with self._engine.begin() as connection:
            await self._save_customer(connection, saving.subscription)
            if saving.subscription.status is not Status.NONE and not saving.subscription.forgotten_at:
                await self._save_subscription(connection, saving.subscription)
            await self._save_entries(connection, saving.subscription, saving.entries)
            await self._save_outcomes(connection, saving.outcomes)
            if saving.events:
                await connection.execute(
                    update(tables.events)
                    .where(tables.events.c.id.in_(saving.events))
                    .values(status="applied", applied_at=func.now())
                )
            saved = Saved([await self._save_letter(connection, saving, due) for due in saving.notifications])
        await self._cache.changed(saving.subscription.user_id)
        return saved

    async def _save_customer(self, connection: AsyncConnection, subscription: Subscription) -> None:
        if subscription.stripe_customer_id is None and not subscription.trial_used:
            return
        row = insert(tables.customers).values(
            user_id=subscription.user_id,
            stripe_customer_id=subscription.stripe_customer_id,
            trial_used_at=func.now() if subscription.trial_used else None,
            currency=subscription.currency,
        )
        known = tables.customers.c
        is_news = await connection.execute(
            row.on_conflict_do_update(
                index_elements=["user_id"],
                set_={
                    # Whoever made the customer wrote it down; a life that began before may still carry a deleted one.
                    "stripe_customer_id": func.coalesce(known.stripe_customer_id, row.excluded.stripe_customer_id),
                    "trial_used_at": func.coalesce(known.trial_used_at, row.excluded.trial_used_at),
                    "currency": func.coalesce(row.excluded.currency, known.currency),
                },
                where=(known.stripe_customer_id.is_(None) & row.excluded.stripe_customer_id.is_not(None))
                | (known.trial_used_at.is_(None) & row.excluded.trial_used_at.is_not(None))
                | (row.excluded.currency != func.coalesce(known.currency, "")),
            )
        )
        if is_news.rowcount and subscription.trial_used:
            await claim_by_email(connection, subscription.user_id)

    async def _save_subscription(self, connection: AsyncConnection, subscription: Subscription) -> None:
        row = insert(tables.subscriptions).values(**_projected(subscription))
        is_newer = tables.subscriptions.c.seq < _FRESH["seq"]
        await connection.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=_FRESH, where=is_newer))

    async def _save_entries(
        self, connection: AsyncConnection, subscription: Subscription, entries: list[Entry]
    ) -> None:
        if not entries:
            return
        offset = select(tables.customers.c.clock_offset_seconds).where(
            tables.customers.c.user_id == subscription.user_id
        )
        ahead = timedelta(seconds=(self._travels and (await connection.execute(offset)).scalar()) or 0)
        last = select(func.max(tables.timeline.c.at)).where(tables.timeline.c.user_id == subscription.user_id)
        soonest = (await connection.execute(last)).scalar() if ahead else None
        rows = [
            {
                "user_id": subscription.user_id,
                "seq": subscription.seq,
                "position": position,
                # Who travels in time meets Stripe's event a moment before the workflow's own clock has followed, and a
                # new life by the wall's clock a moment after one that was ahead of it.
                "at": max(entry.at, datetime.now(UTC) + ahead, soonest or entry.at) if ahead else entry.at,
                "entry": entry.entry,
                "cause": entry.cause,
                "cause_id": entry.cause_id,
                "from_status": entry.from_status,
                "to_status": entry.to_status,
                "detail": entry.detail,
            }
            for position, entry in enumerate(entries)
        ]
        await connection.execute(insert(tables.timeline).values(rows).on_conflict_do_nothing())

    async def _save_outcomes(self, connection: AsyncConnection, outcomes: dict[str, Outcome]) -> None:
        for operation_id, outcome in outcomes.items():
            await connection.execute(
                update(tables.operations)
                .where(tables.operations.c.id == UUID(operation_id), tables.operations.c.status == "pending")
                .values(
                    status=_OPERATION_STATUS.get(outcome.result, outcome.result.value),
                    result=orjson.loads(orjson.dumps(outcome)),
                    completed_at=func.now(),
                )
            )

    async def _save_letter(self, connection: AsyncConnection, saving: Saving, due: NotificationDue) -> str:
        row = row_from_due(saving.subscription.user_id, due)
        row["data"] = {**row["data"], **await _shown(connection, saving.subscription)}
        await connection.execute(insert(tables.notifications).values(**row).on_conflict_do_nothing())
        return str(row["id"])


async def _shown(connection: AsyncConnection, subscription: Subscription) -> dict[str, Any]:
    """What a letter shows that no history holds: the face of the card, the link to the invoice."""
    shown: dict[str, Any] = {}
    if subscription.invoice:
        link = select(tables.invoice_links.c.url).where(tables.invoice_links.c.invoice_id == subscription.invoice.id)
        shown["invoice_url"] = (await connection.execute(link)).scalar()
    if subscription.card:
        face = select(tables.cards).where(tables.cards.c.payment_method_id == subscription.card.id)
        card = (await connection.execute(face)).mappings().one_or_none()
        shown |= {f"card_{key}": card[key] for key in ("brand", "last4", "exp_month", "exp_year")} if card else {}
    return {key: value for key, value in shown.items() if value is not None}


def _projected(subscription: Subscription) -> dict[str, Any]:
    """The projection's row; the card and the link come from their own tables in the same statement."""
    owed, card, terms, planned = subscription.invoice, subscription.card, subscription.terms, subscription.planned
    link = tables.invoice_links.c
    face = tables.cards.c

    def seen(column: str) -> Any:
        of_card = select(face[column]).where(face.payment_method_id == (card.id if card else None))
        return of_card.scalar_subquery() if card else literal(None)

    def paid_at(invoice_id: str | None) -> Any:
        return select(link.url).where(link.invoice_id == invoice_id).scalar_subquery() if invoice_id else None

    return {
        "user_id": subscription.user_id,
        "stripe_customer_id": subscription.stripe_customer_id,
        "stripe_subscription_id": subscription.stripe_subscription_id,
        "plan": terms.plan if terms else None,
        "interval": terms.interval.value if terms else None,
        "amount": terms.amount if terms else None,
        "currency": terms.currency if terms else None,
        "quantity": subscription.quantity,
        "status": None if subscription.status == "none" else subscription.status.value,
        "trial_ends_at": subscription.trial_ends_at,
        "current_period_starts_at": subscription.period_starts_at,
        "current_period_ends_at": subscription.period_ends_at,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "cancel_at": subscription.cancel_at,
        "cancel_reason": subscription.cancel_reason,
        "started_at": subscription.started_at,
        "ended_at": subscription.ended_at,
        "past_due_since": subscription.past_due_since,
        "suspended_at": subscription.suspended_at,
        "grace_ends_at": subscription.grace_ends_at,
        "open_invoice_id": owed.id if owed else None,
        "open_invoice_url": paid_at(owed.id if owed else None),
        "open_invoice_amount": owed.amount if owed else None,
        "next_payment_attempt_at": owed.next_attempt_at if owed else None,
        "action_required": owed.action_required if owed else False,
        "card_brand": seen("brand"),
        "card_last4": seen("last4"),
        "card_exp_month": seen("exp_month"),
        "card_exp_year": seen("exp_year"),
        "planned_plan": planned.terms.plan if planned and planned.terms else None,
        "planned_interval": planned.terms.interval.value if planned and planned.terms else None,
        "planned_amount": planned.terms.amount if planned and planned.terms else None,
        "planned_quantity": planned.quantity if planned else None,
        "planned_at": planned.at if planned else None,
        "planned_invoice_url": paid_at(planned.invoice_id if planned else None),
        "needs_attention": subscription.needs_attention,
        "policy": policy_as_kept(terms.policy) if terms else None,
        "seq": subscription.seq,
    }
