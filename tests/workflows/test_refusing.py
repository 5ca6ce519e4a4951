"""An intent that does not fit changes nothing, and leaves nothing behind."""

import pytest
from temporalio.client import WorkflowExecutionStatus

from lifecycle.intents import Cancel, Intent, Resume, Subscribe
from lifecycle.refusals import Refusal
from local.waiting import until
from tests.workflows.conftest import CATALOGUE, PATIENCE_SECONDS, Life


@pytest.mark.parametrize(
    ("intent", "code"),
    [(Resume(), "not_canceling"), (Subscribe(CATALOGUE.terms("PRO", "month")), "already_subscribed")],
)
async def test_a_refused_intent_writes_nothing_to_the_history(life: Life, intent: Intent, code: str) -> None:
    await life.subscribe()
    await life.comes_to_rest()
    before, saved = await life.history(), len(life.books.savings)

    with pytest.raises(Refusal) as refused:
        await life.ask(intent)

    assert refused.value.code == code
    assert await life.history() == before
    assert len(life.books.savings) == saved


@pytest.mark.parametrize("intent", [Cancel(), Resume()])
async def test_a_refusal_to_somebody_without_a_subscription_leaves_no_workflow_running(
    life: Life, intent: Intent
) -> None:
    assert await _refused(life, intent) == "no_subscription"

    async def has_ended() -> bool:
        return (await life.handle.describe()).status is WorkflowExecutionStatus.COMPLETED

    await until(has_ended, within=PATIENCE_SECONDS, what="the workflow of a nobody runs on")
    assert life.bank.done == []


async def test_a_life_that_is_over_can_begin_again(life: Life) -> None:
    await life.subscribe()
    await life.ask(Cancel(timing="now"))  # type: ignore[arg-type]
    assert (await life.handle.result()) == "canceled"

    again = await life.subscribe()

    assert again is not None
    assert again.status == "active"
    assert len(life.bank.subscriptions) == 2


async def _refused(life: Life, intent: Intent) -> str | None:
    """Refused at the door or, by a workflow that had to look first, as an outcome."""
    try:
        outcome = await life.ask(intent)
    except Refusal as refusal:
        return refusal.code.value
    return outcome.code if outcome else None
