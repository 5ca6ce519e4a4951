"""A bank takes a payment back: the customer's subscription goes on, and a person hears of it."""

from dataclasses import replace

from lifecycle.disputes import Dispute
from lifecycle.events import EventHint
from lifecycle.intents import Cancel, Timing
from lifecycle.statuses import Status
from tests.workflows.conftest import Life

DISPUTE = Dispute("du_1", "ch_1", 1000, "usd", "fraudulent", "needs_response")


def created(event: str = "evt_1") -> EventHint:
    return EventHint(event, "charge.dispute.created", dispute_id=DISPUTE.id)


def closed(event: str = "evt_2") -> EventHint:
    return EventHint(event, "charge.dispute.closed", dispute_id=DISPUTE.id)


async def test_a_disputed_payment_is_written_down_and_flagged(life: Life) -> None:
    await life.subscribe()
    life.bank.disputes["du_1"] = DISPUTE

    await life.take(created())

    await life.until(lambda: "evt_1" in life.books.events, "the dispute was not applied")
    saved = life.books.savings[-1]
    assert life.books.lines[-2:] == ["payment_disputed", "needs_attention"]
    assert saved.entries[0].detail == {"dispute": "du_1", "charge": "ch_1"}
    assert "answer du_1 in Stripe" in str(saved.subscription.needs_attention)
    assert saved.subscription.status is Status.ACTIVE


async def test_a_dispute_that_is_signaled_twice_leaves_one_line(life: Life) -> None:
    await life.subscribe()
    life.bank.disputes["du_1"] = DISPUTE
    await life.take(created(), created())
    await life.until(lambda: "evt_1" in life.books.events, "the dispute was not applied")

    life.bank.disputes["du_1"] = replace(DISPUTE, status="lost")
    await life.take(closed())
    await life.until(lambda: "evt_2" in life.books.events, "the end of the dispute was not applied")

    assert [line for line in life.books.lines if "dispute" in line] == ["payment_disputed", "dispute_lost"]


async def test_a_dispute_after_the_end_is_written_down_and_begins_nothing(life: Life) -> None:
    await life.subscribe()
    await life.ask(Cancel(Timing.NOW))
    await life.handle.result()
    life.bank.disputes["du_1"] = DISPUTE

    await life.take(created())

    await life.until(lambda: "payment_disputed" in life.books.lines, "nobody wrote it down")
    assert await life.handle.result() == Status.NONE, "the life that was woken for it ends again"
    assert life.books.savings[-1].subscription.stripe_subscription_id is None
    assert life.books.savings[-1].subscription.needs_attention


async def test_a_dispute_that_stripe_does_not_know_changes_nothing(life: Life) -> None:
    await life.subscribe()
    before = list(life.books.lines)

    await life.take(created())

    await life.until(lambda: "evt_1" in life.books.events, "the event was not applied")
    assert life.books.lines == before
