"""A life goes on over many histories: nothing is lost, nothing happens twice."""

import asyncio
from uuid import uuid4

from lifecycle.intents import Cancel, Result, Resume
from lifecycle.refusals import Refusal
from lifecycle.statuses import Status
from tests.workflows.conftest import Life, kinds
from workflows.carried import OUTCOMES_KEPT
from workflows.subscription import SubscriptionWorkflow

SHORT = 20
MORE = [f"evt_more_{number}" for number in range(8)]


async def test_a_command_asked_again_runs_later_gets_the_same_answer_and_no_second_effect(life: Life) -> None:
    life.books.history_limit = SHORT
    await life.subscribe()
    operation = str(uuid4())
    first = await life.ask(Cancel(), operation)
    for _ in range(4):
        await life.ask(Resume())
        await life.ask(Cancel())
    await life.ask(Resume())
    assert len(await life.runs()) >= 3

    again = await life.ask(Cancel(), operation)

    assert again == first
    await life.comes_to_rest()
    assert life.bank.done.count(("cancel", operation)) == 1
    assert not (await life.state()).is_canceling


async def test_what_an_operator_sees_survives_a_new_history(life: Life) -> None:
    life.books.history_limit = SHORT
    await life.subscribe()
    life.bank.cannot_charge(1)
    await life.hears_one_by_one("evt_1")
    life.bank.says(status=Status.TRIALING)
    await life.hears_one_by_one("evt_2")
    await life.knows(lambda it: it.needs_attention is not None, "the surprise was not noticed")
    runs = await life.runs()
    await life.hears_one_by_one(*MORE)

    assert len(await life.runs()) > len(runs)
    assert life.books.lines.count("needs_attention") == 1
    await life.knows(lambda it: it.needs_attention is not None, "the flag was lost")
    shown = (await life.handle.describe()).search_attributes
    assert shown["NeedsAttention"] == [True]
    assert shown["SubscriptionStatus"] == ["trialing"]
    details = (await life.handle.query("__temporal_workflow_metadata")).current_details
    assert "Needs attention:** Stripe says trialing after past_due" in details
    assert "needs attention, by event" in details


async def test_a_crowd_of_events_and_commands_gets_through_while_histories_change(life: Life) -> None:
    life.books.history_limit = SHORT
    await life.subscribe()
    commands = [(str(uuid4()), Cancel() if number % 2 else Resume()) for number in range(20)]
    events = [f"evt_{number}" for number in range(60)]

    outcomes = await asyncio.gather(
        *(_accepted(life, intent, operation) for operation, intent in commands),
        *(life.hear(event) for event in events),
    )
    await life.until(lambda: set(events) <= set(life.books.events), "an event was lost")

    assert len(await life.runs()) > 1
    assert all(outcome is None or outcome in {Result.DONE, Result.REFUSED} for outcome in outcomes)
    effects = [operation for _, operation in life.bank.done]
    assert len(effects) == len(set(effects))
    assert [saving.subscription.seq for saving in life.books.savings] == list(range(1, len(life.books.savings) + 1))


async def test_letters_under_way_never_keep_a_command_waiting(life: Life) -> None:
    """Regression: a history that was to end waited for handlers, and a command that came then waited for it."""
    life.books.history_limit = SHORT
    life.post.is_held = asyncio.Event()
    await life.subscribe()
    for event in MORE:
        await life.hear(event)
        await life.until(lambda: event in life.books.events, "an event was not applied")  # noqa: B023

    canceled = asyncio.create_task(life.ask(Cancel()))
    await life.until(lambda: len(life.bank.done) == 2, "the command waits for a letter")
    life.post.is_held.set()

    outcome = await canceled
    assert outcome is not None
    assert outcome.result is Result.DONE


async def test_the_memory_of_answers_is_bounded(life: Life) -> None:
    life.books.history_limit = 100
    await life.subscribe()
    for _ in range(OUTCOMES_KEPT // 2 + 2):
        await life.ask(Cancel())
        await life.ask(Resume())
    runs = await life.runs()
    begun = (await life.history(runs[-1]))[0].workflow_execution_started_event_attributes
    assert len(runs) > 1
    [carried] = await life.client.data_converter.decode(begun.input.payloads)
    assert len(carried["outcomes"]) <= OUTCOMES_KEPT
    assert "requests" not in carried or carried["requests"] == []


async def test_the_histories_are_as_long_as_the_setting_says(life: Life) -> None:
    life.books.history_limit = SHORT
    await life.subscribe()
    await life.comes_to_rest()
    await life.hears_one_by_one(*MORE)
    ended = (await life.runs())[:-1]
    assert ended
    for run in ended:
        events = await life.history(run)
        assert kinds(events)[-1] == "CONTINUED_AS_NEW"
        assert len(events) <= SHORT + 15
    assert (await life.handle.query(SubscriptionWorkflow.state)).status is Status.ACTIVE


async def _accepted(life: Life, intent: Cancel | Resume, operation: str) -> Result | None:
    try:
        outcome = await life.ask(intent, operation)
    except Refusal:
        return None
    return outcome.result if outcome else None
