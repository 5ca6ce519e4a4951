"""What the world does that nobody planned: it is adopted, written down and shown to a person."""

from dataclasses import replace

from lifecycle.events import EventHint
from lifecycle.facts import InvoiceStatus
from lifecycle.intents import Cancel, Result, Timing
from lifecycle.statuses import Status
from tests.workflows.conftest import Life
from workflows.subscription import SubscriptionWorkflow


async def test_a_fact_that_fits_no_move_is_adopted_shown_and_acknowledged(life: Life) -> None:
    await life.subscribe()
    life.bank.says(status=Status.INCOMPLETE)

    await life.hears_one_by_one("evt_1")

    assert (await life.state()).status is Status.INCOMPLETE
    assert life.books.lines[-1] == "needs_attention"
    assert life.books.savings[-1].subscription.needs_attention == await _reason(life)
    assert await _is_flagged(life)
    assert f"Needs attention:** {await _reason(life)}" in await _details(life)

    await life.handle.signal(SubscriptionWorkflow.acknowledge, "operator-7")

    await life.until(lambda: "acknowledged" in life.books.lines, "nobody looked again")
    await life.comes_to_rest()
    assert await _reason(life) is None
    assert life.books.savings[-1].subscription.needs_attention is None
    assert not await _is_flagged(life)
    assert "Needs attention" not in await _details(life)


async def test_a_second_subscription_is_written_down_and_flagged(life: Life) -> None:
    await life.subscribe()
    own = (await life.state()).stripe_subscription_id
    life.bank.subscriptions["sub_elsewhere"] = replace(life.bank.newest, subscription_id="sub_elsewhere")

    await life.hear("evt_1", subscription="sub_elsewhere")

    await life.until(lambda: "needs_attention" in life.books.lines, "the second subscription left no line")
    found = await life.state()
    assert found.stripe_subscription_id == own
    assert "two subscriptions" in str(found.needs_attention)


async def test_what_is_not_ours_is_still_told_when_something_of_ours_came_with_it(life: Life) -> None:
    await life.subscribe()
    mine = replace(life.bank.newest, subscription_id="sub_mine", owner_id=life.user_id)
    theirs = replace(mine, subscription_id="sub_theirs", owner_id="bob")
    await life.ask(Cancel(Timing.NOW))
    await life.handle.result()
    life.bank.subscriptions |= {"sub_theirs": theirs, "sub_mine": mine}

    kind = "customer.subscription.created"
    await life.take(EventHint("evt_1", kind, "sub_theirs"), EventHint("evt_2", kind, "sub_mine"))

    await life.until(lambda: "evt_2" in life.books.events, "nobody looked")
    found = await life.state()
    assert found.stripe_subscription_id == "sub_mine"
    assert "sub_theirs belongs to bob" in str(found.needs_attention)


async def test_a_payment_in_the_moment_of_giving_up_wins(life: Life) -> None:
    await life.subscribe()

    def paid_after_our_last_look() -> None:
        invoice = life.bank.newest.invoice
        assert invoice is not None
        life.bank.says(status=Status.ACTIVE, invoice=replace(invoice, status=InvoiceStatus.PAID))

    life.bank.before_the_end = paid_after_our_last_look
    life.bank.cannot_charge(attempts=8)
    await life.hear("evt_1")

    await life.until(lambda: "payment_recovered" in life.books.lines, "the payment was not noticed")
    assert (await life.state()).status is Status.ACTIVE
    assert (await life.state()).gave_up_at is None
    assert [kind for kind, _ in life.bank.done] == ["subscribe"]


async def test_who_used_up_all_tries_is_let_go_once(life: Life) -> None:
    await life.subscribe()
    life.bank.cannot_charge(attempts=8)

    await life.hear("evt_1", "evt_2")

    assert await life.handle.result() == "canceled"
    assert [kind for kind, _ in life.bank.done] == ["subscribe", "cancel"]
    assert life.books.lines == ["subscribed", "payment_failed", "gave_up"]


async def test_the_database_may_be_away_and_nothing_is_lost(life: Life) -> None:
    await life.subscribe()
    await life.comes_to_rest()
    life.books.tries.clear()
    life.books.away = 3

    canceled = await life.ask(Cancel())

    assert canceled is not None
    assert canceled.result is Result.DONE
    assert life.books.tries == [True, True, False, False]
    assert life.books.lines == ["subscribed", "cancellation_scheduled"]
    assert [kind for kind, _ in life.bank.done] == ["subscribe", "cancel"]
    await life.until(lambda: life.post.sent == 2, "a letter was lost")


async def test_a_database_that_does_not_answer_is_waited_for(life: Life) -> None:
    await life.subscribe()
    life.books.silent = 2

    await life.hear("evt_1")

    await life.until(lambda: "evt_1" in life.books.events, "the event was lost")
    assert (await life.state()).status is Status.ACTIVE
    assert life.books.tries[-1] is False


async def test_doubled_and_late_events_change_nothing(life: Life) -> None:
    await life.subscribe()
    await life.hears_one_by_one("evt_1", "evt_2")
    await life.hear("evt_1", "evt_1", "evt_2")
    await life.until(lambda: life.books.events.count("evt_1") >= 2, "the doubled event was not looked at")
    assert life.books.lines == ["subscribed"]


async def _reason(life: Life) -> str | None:
    return (await life.state()).needs_attention


async def _is_flagged(life: Life) -> bool:
    shown = (await life.handle.describe()).search_attributes
    return shown.get("NeedsAttention") == [True]


async def _details(life: Life) -> str:
    return str((await life.handle.query("__temporal_workflow_metadata")).current_details)
