"""What a workflow talks to, with memory and without a network: a bank, the books and the post.

For tests about the workflow alone; the stories in ``tests/stories`` use the real ones.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from temporalio import activity

from activities.abandoned_checkouts import ExpiredPage
from activities.forgetting import ForgetOrder
from activities.gateway import StripeRefused
from activities.orders import (
    Beginning,
    Canceled,
    CancelOrder,
    Changed,
    ChangeOrder,
    Look,
    ResumeOrder,
    Saved,
    Saving,
    Subscribed,
    SubscribeOrder,
    TakeBackOrder,
    TakenBack,
)
from activities.refund_orders import PaymentWish, Refunded, RefundOrder
from activities.snapshots import Unreadable
from lifecycle.abandoned_checkouts import AbandonedCheckout
from lifecycle.disputes import Dispute
from lifecycle.facts import Facts, Invoice, InvoiceStatus
from lifecycle.leaving import PeriodPayment
from lifecycle.refunds import Refund, Refundable
from lifecycle.statuses import Status


async def _nothing() -> None:
    """Nobody does anything."""


class Bank:
    """Stripe, as far as one customer goes. ``done`` lists every effect by operation, also one that came twice."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Facts] = {}
        self.done: list[tuple[str, str]] = []
        self.looks = 0
        self.refuses: str | None = None
        self.refuses_to_refund: str | None = None
        self.unreadable: str | None = None
        self.takes_no_trial_end = False
        self.before_the_end: Callable[[], None] = lambda: None
        self.while_ending: Callable[[], Awaitable[None]] = _nothing
        self.abandoned: AbandonedCheckout | None = None
        self.disputes: dict[str, Dispute] = {}
        self.payment = Refundable(refused="nothing_to_refund")
        self.refunds: list[Refund] = []
        self.paid_for_period: list[PeriodPayment] = []

    @property
    def newest(self) -> Facts:
        """The subscription that was begun last."""
        return list(self.subscriptions.values())[-1]

    def says(self, **news: Any) -> None:
        """Something happened to the newest subscription."""
        self.subscriptions[self.newest.subscription_id] = replace(self.newest, **news)

    def cannot_charge(self, attempts: int) -> None:
        """The newest invoice was tried so often in vain."""
        owed = Invoice("in_1", InvoiceStatus.OPEN, 1000, "usd", attempts, finalized_at=datetime.now(UTC))
        self.says(status=Status.PAST_DUE, invoice=owed)

    @activity.defn(name="payments.fetch")
    async def fetch(self, look: Look) -> Facts | None:
        self.looks += 1
        if self.unreadable:
            raise Unreadable(self.unreadable)
        return self.subscriptions.get(look.subscription_id)

    @activity.defn(name="disputes.fetch")
    async def fetch_dispute(self, dispute_id: str) -> Dispute | None:
        return self.disputes.get(dispute_id)

    @activity.defn(name="refunds.find")
    async def find_payment(self, wish: PaymentWish) -> Refundable:
        return self.payment

    @activity.defn(name="payments.of_period")
    async def payments_of_period(self, subscription_id: str) -> list[PeriodPayment]:
        return self.paid_for_period

    @activity.defn(name="refunds.give")
    async def refund(self, order: RefundOrder) -> Refunded:
        if refused := self.refuses_to_refund or self.refuses:
            raise StripeRefused(refused)
        self.done.append(("refund", order.operation_id))
        self.refunds.append(
            Refund(
                f"re_{len(self.refunds) + 1}",
                order.charge_id,
                order.amount,
                self.payment.currency,
                "succeeded",
                operation_id=order.operation_id,
                by=order.by,
            )
        )
        self.payment = replace(self.payment, left=self.payment.left - order.amount)
        return Refunded(list(self.refunds))

    @activity.defn(name="checkouts.abandoned")
    async def abandoned_checkout(self, page: ExpiredPage) -> AbandonedCheckout | None:
        return self.abandoned

    @activity.defn(name="forgetting.end_in_stripe")
    async def end_in_stripe(self, order: ForgetOrder) -> None:
        await self.while_ending()
        if self.refuses:
            raise StripeRefused(self.refuses)
        self.done.append(("end_in_stripe", order.operation_id))
        if self.subscriptions:
            self.says(status=Status.CANCELED, ended_at=datetime.now(UTC), invoice=None)

    @activity.defn(name="refunds.fetch")
    async def fetch_refunds(self, refund_id: str) -> list[Refund]:
        return list(self.refunds)

    @activity.defn(name="payments.subscribe")
    async def subscribe(self, order: SubscribeOrder) -> Subscribed:
        self.done.append(("subscribe", order.operation_id))
        if order.trial_ends_at and self.takes_no_trial_end:
            return Subscribed(without_card=True)
        name, now = f"sub_{uuid4().hex[:8]}", datetime.now(UTC)
        trial_ends = now + timedelta(days=order.trial_days) if order.trial_days else None
        self.subscriptions[name] = Facts(
            subscription_id=name,
            customer_id="cus_1",
            status=Status.TRIALING if trial_ends else Status.ACTIVE,
            price=order.terms.lookup_key,
            started_at=now,
            period_starts_at=now,
            period_ends_at=trial_ends or now + timedelta(days=31),
            terms=order.terms,
            trial_ends_at=trial_ends,
        )
        return Subscribed(subscription_id=name)

    @activity.defn(name="payments.change_plan")
    async def change_plan(self, order: ChangeOrder) -> Changed:
        if self.refuses:
            raise StripeRefused(self.refuses)
        self.done.append(("change_plan", order.operation_id))
        self.says(price=order.terms.lookup_key, terms=order.terms)
        return Changed()

    @activity.defn(name="payments.cancel")
    async def cancel(self, order: CancelOrder) -> Canceled:
        if self.refuses:
            raise StripeRefused(self.refuses)
        self.before_the_end()
        found = self.subscriptions[order.subscription_id]
        if order.unless_paid and found.invoice and found.invoice.status is InvoiceStatus.PAID:
            return Canceled(paid_meanwhile=True)
        self.done.append(("cancel", order.operation_id))
        if order.at_period_end:
            self.says(cancel_at_period_end=True)
        else:
            self.says(status=Status.CANCELED, ended_at=datetime.now(UTC), invoice=None)
        return Canceled()

    @activity.defn(name="payments.take_back")
    async def take_back(self, order: TakeBackOrder) -> TakenBack:
        self.done.append(("take_back", order.subscription_id))
        second = self.subscriptions[order.subscription_id]
        self.subscriptions[order.subscription_id] = replace(second, status=Status.CANCELED, ended_at=datetime.now(UTC))
        return TakenBack()

    @activity.defn(name="payments.resume")
    async def resume(self, order: ResumeOrder) -> None:
        self.done.append(("resume", order.operation_id))
        self.says(cancel_at_period_end=False, cancel_at=None)


class Books:
    """PostgreSQL: keeps every saving, and can be away, or not answer, for a number of tries."""

    def __init__(self, history_limit: int = 1000) -> None:
        self.history_limit = history_limit
        self.savings: list[Saving] = []
        self.away = 0
        self.conflict: str | None = None
        self.silent = 0
        self.tries: list[bool] = []
        self.forgotten: list[str] = []

    @property
    def lines(self) -> list[str]:
        """The timeline."""
        return [entry.entry for saving in self.savings for entry in saving.entries]

    @property
    def events(self) -> list[str]:
        """Every event that was applied."""
        return [event for saving in self.savings for event in saving.events]

    @activity.defn(name="records.begin")
    async def begin(self, user_id: str) -> Beginning:
        seq = self.savings[-1].subscription.seq if self.savings else 0
        return Beginning(seq, trial_used=False, continue_as_new_after_events=self.history_limit)

    @activity.defn(name="forgetting.anonymise")
    async def anonymise(self, user_id: str) -> None:
        self.forgotten.append(user_id)

    @activity.defn(name="records.save")
    async def save(self, saving: Saving) -> Saved:
        self.tries.append(activity.info().is_local)
        if self.conflict and saving.subscription.stripe_subscription_id == self.conflict:
            raise IntegrityError("insert", None, Exception("another user's"))
        if self.away:
            self.away -= 1
            raise ConnectionError("the database is away")
        if self.silent:
            self.silent -= 1
            await asyncio.Event().wait()
        self.savings.append(saving)
        return Saved([str(uuid4()) for _ in saving.notifications])


class Post:
    """Sends letters by counting them, and can hold them back."""

    def __init__(self) -> None:
        self.sent = 0
        self.is_held: asyncio.Event | None = None

    @activity.defn(name="emails.send")
    async def send(self, letters: list[UUID]) -> None:
        if self.is_held:
            await self.is_held.wait()
        self.sent += len(letters)
