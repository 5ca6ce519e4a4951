"""Money back by an operator's word or from Stripe's dashboard: told once, and the subscription goes on."""

from lifecycle.events import EventHint
from lifecycle.intents import Cancel, RefundPayment, Result, Timing
from lifecycle.refunds import Refund, Refundable
from lifecycle.statuses import Status
from tests.workflows.conftest import Life

PAID = Refundable("ch_1", 1000, "usd")


def told_of(charge: str, event: str) -> EventHint:
    return EventHint(event, "charge.refunded", refund_id=charge)


async def pays(life: Life) -> None:
    """A customer with one payment that can be given back."""
    await life.subscribe()
    life.bank.payment = PAID
    life.bank.says(customer_id="cus_1")


async def test_a_refund_leaves_one_line_and_the_subscription_as_it_is(life: Life) -> None:
    await pays(life)

    outcome = await life.ask(RefundPayment(amount=400, by="operator-7"), "op-1")
    await life.take(told_of("ch_1", "evt_1"))
    await life.until(lambda: "evt_1" in life.books.events, "the event was not applied")

    assert outcome is not None
    assert (outcome.result, outcome.code, outcome.status) == (Result.DONE, "refunded", Status.ACTIVE)
    assert life.books.lines == ["subscribed", "refunded"]
    (line,) = [entry for saving in life.books.savings for entry in saving.entries if entry.entry == "refunded"]
    assert (line.cause, line.cause_id, line.detail["amount"]) == ("intent", "op-1", "400")


async def test_the_same_operation_twice_gives_back_once(life: Life) -> None:
    await pays(life)

    await life.ask(RefundPayment(amount=400), "op-1")
    await life.ask(RefundPayment(amount=400), "op-1")

    assert life.bank.done[1:] == [("refund", "op-1")]


async def test_more_than_is_left_is_refused_and_nothing_moves(life: Life) -> None:
    await pays(life)

    outcome = await life.ask(RefundPayment(amount=1001))

    assert outcome is not None
    assert (outcome.result, outcome.code) == (Result.REFUSED, "refund_too_large")
    assert life.bank.refunds == []
    assert life.books.lines[-1] == "intent_refused"


async def test_a_refund_that_stripe_will_not_make_is_for_a_person(life: Life) -> None:
    await pays(life)
    life.bank.refuses = "balance_insufficient"

    outcome = await life.ask(RefundPayment())

    assert outcome is not None
    assert outcome.result is Result.FAILED
    assert "balance_insufficient" in str((await life.state()).needs_attention)


async def test_a_refund_from_the_dashboard_is_told_also_after_the_customer_has_left(life: Life) -> None:
    await pays(life)
    await life.ask(Cancel(Timing.NOW))
    await life.handle.result()
    life.bank.refunds.append(Refund("re_1", "ch_1", 1000, "usd", "succeeded", reason="duplicate"))

    await life.take(told_of("ch_1", "evt_1"))
    assert await life.handle.result() == Status.NONE, "the life that was woken for it ends again"

    assert life.books.lines[-1] == "refunded"
    last = life.books.savings[-1].entries[-1]
    assert (last.cause, last.cause_id, last.detail["reason"]) == ("event", "evt_1", "duplicate")
