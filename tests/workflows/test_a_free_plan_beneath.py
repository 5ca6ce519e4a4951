"""A trial at Stripe that ends without a card falls on the free plan, whatever is heard in that moment."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.intents import Cancel, Forget, Subscribe, Timing
from lifecycle.plans import Terms
from lifecycle.statuses import Status
from tests.workflows.conftest import CATALOGUE, PATIENCE_SECONDS, Life


def basic_over_free() -> Terms:
    basic = CATALOGUE.terms("BASIC", "month")
    assert basic is not None
    return replace(basic, fallback=replace(basic, plan="FREE", amount=0, lookup_key="free_month"))


async def ends_without_a_card(life: Life) -> None:
    await life.ask(Subscribe(basic_over_free(), trial_days=14))
    end = datetime.now(UTC) + timedelta(days=14)
    life.bank.says(status=Status.CANCELED, trial_ends_at=end, ended_at=end)


def begun(life: Life) -> int:
    return [name for name, _ in life.bank.done].count("subscribe")


async def test_more_is_heard_while_the_end_is_saved(life: Life) -> None:
    """The first save fails some times, so that the second event waits when it is done."""
    await ends_without_a_card(life)
    life.books.away = 4
    looks = life.bank.looks
    await life.hear("evt_end")
    await life.until(lambda: life.bank.looks > looks, "nobody looks")

    await life.hear("evt_more")

    await life.until(lambda: begun(life) == 2, "the free plan does not begin")
    await life.knows(lambda state: state.status is Status.ACTIVE, "the customer has no plan")


@pytest.mark.parametrize("intent", [Cancel(Timing.NOW), Forget()], ids=["left", "forgotten"])
async def test_whoever_leaves_in_that_moment_gets_none(life: Life, intent: Cancel | Forget) -> None:
    """The trial's end has just passed, and Stripe has not said yet what became of it."""
    await life.ask(Subscribe(basic_over_free(), trial_days=14))
    life.bank.says(trial_ends_at=datetime.now(UTC) - timedelta(seconds=1))
    await life.hears_one_by_one("evt_shortened")

    await life.ask(intent)

    assert await asyncio.wait_for(life.handle.result(), PATIENCE_SECONDS) == Status.CANCELED
    assert begun(life) == 1
