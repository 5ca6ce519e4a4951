"""A bank takes a payment back: the subscription ends as the policy says, and a person hears of it."""

from dataclasses import replace

from lifecycle.disputes import Dispute
from lifecycle.events import EventHint
from lifecycle.intents import Cancel, Subscribe, Timing
from lifecycle.notifications import Notification
from lifecycle.plans import Interval
from lifecycle.policy import OnDispute
from lifecycle.statuses import Status
from tests.workflows.conftest import CATALOGUE, Life

SOLD = CATALOGUE.terms("BASIC", Interval.MONTH)
FLAGS = replace(SOLD, policy=replace(SOLD.policy, on_dispute=OnDispute.FLAG))
DISPUTE = Dispute("du_1", "ch_1", 1000, "usd", "fraudulent", "needs_response")


def created(event: str = "evt_1") -> EventHint:
    return EventHint(event, "charge.dispute.created", dispute_id=DISPUTE.id)


def closed(event: str = "evt_2") -> EventHint:
    return EventHint(event, "charge.dispute.closed", dispute_id=DISPUTE.id)


async def test_a_disputed_payment_is_written_down_and_flagged(life: Life) -> None:
    await life.ask(Subscribe(FLAGS, trial_days=0))
    life.bank.disputes["du_1"] = DISPUTE

    await life.take(created())

    await life.until(lambda: "evt_1" in life.books.events, "the dispute was not applied")
    saved = life.books.savings[-1]
    assert life.books.lines[-2:] == ["payment_disputed", "needs_attention"]
    assert saved.entries[0].detail["dispute"] == "du_1"
    assert saved.entries[0].detail["charge"] == "ch_1"
    assert "answer du_1 in Stripe" in str(saved.subscription.needs_attention)
    assert saved.subscription.status is Status.ACTIVE


async def test_access_ends_before_stripe_has_ended_the_subscription(life: Life) -> None:
    await life.subscribe()
    life.bank.cannot_charge(1)
    await life.hear("evt_0")
    await life.knows(lambda state: state.invoice is not None, "the failed charge was not seen")
    life.bank.disputes["du_1"] = DISPUTE

    await life.take(created())
    assert await life.handle.result() == Status.CANCELED

    first, last = life.books.savings[-2:]
    assert [entry.entry for entry in first.entries] == ["payment_disputed", "suspended", "needs_attention"]
    assert (first.subscription.status, first.subscription.is_suspended) == (Status.PAST_DUE, True)
    assert [entry.entry for entry in last.entries] == ["canceled"]
    assert last.entries[0].cause_id == "du_1"
    assert [letter.kind for letter in last.notifications] == [Notification.CANCELED]
    assert last.subscription.trial_used
    assert [effect for effect, _ in life.bank.done] == ["subscribe", "cancel"]


async def test_a_subscription_that_stripe_will_not_end_stays_suspended_and_flagged(life: Life) -> None:
    await life.subscribe()
    life.bank.disputes["du_1"], life.bank.refuses = DISPUTE, "lock_timeout"

    await life.take(created())
    await life.knows(lambda state: "Stripe refused" in str(state.needs_attention), "nobody was told")
    await life.comes_to_rest()

    assert (await life.state()).is_suspended
    assert life.bank.looks < 5, "it is not tried again and again"


async def test_a_dispute_that_is_signaled_twice_leaves_one_line(life: Life) -> None:
    await life.ask(Subscribe(FLAGS, trial_days=0))
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
