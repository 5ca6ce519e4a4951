"""A customer leaves and says why, and gets back what the rule says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.intents import Cancel, CancelReason, Result, Resume, Subscribe, Timing
from lifecycle.leaving import PeriodPayment
from lifecycle.plans import Interval
from lifecycle.policy import RefundOnCancel
from tests.workflows.conftest import CATALOGUE, Life


@pytest.mark.parametrize("timing", Timing)
async def test_why_a_customer_leaves_is_kept(life: Life, timing: Timing) -> None:
    await life.subscribe()

    await life.ask(Cancel(timing, CancelReason.TOO_EXPENSIVE))

    assert life.books.savings[-1].subscription.cancel_reason == "too_expensive"


async def test_who_stays_has_no_reason_to_leave(life: Life) -> None:
    await life.subscribe()
    await life.ask(Cancel(reason=CancelReason.UNUSED))

    await life.ask(Resume())

    assert life.books.savings[-1].subscription.cancel_reason is None


async def pays_for_a_month(life: Life) -> None:
    """Under a policy that gives back everything, with one payment of 10.00."""
    terms = CATALOGUE.terms("BASIC", Interval.MONTH)
    policy = replace(terms.policy, refund_on_cancel=RefundOnCancel.FULL)
    await life.ask(Subscribe(replace(terms, policy=policy), trial_days=0))
    now = datetime.now(UTC)
    life.bank.paid_for_period = [PeriodPayment("in_1", "ch_1", 1000, "usd", now, now + timedelta(days=31))]


async def test_it_is_ended_before_anything_goes_back(life: Life) -> None:
    await pays_for_a_month(life)

    outcome = await life.ask(Cancel(Timing.NOW), "op-1")

    assert outcome is not None
    assert outcome.result is Result.DONE
    assert life.bank.done[1:] == [("cancel", "op-1"), ("refund", "op-1")]
    last = life.books.savings[-1]
    assert [line.entry for line in last.entries] == ["canceled", "refunded"]
    assert [letter.refunded for letter in last.notifications] == [1000]


async def test_a_refund_that_stripe_refuses_does_not_undo_the_end(life: Life) -> None:
    await pays_for_a_month(life)
    life.bank.refuses_to_refund = "balance_insufficient"

    outcome = await life.ask(Cancel(Timing.NOW))

    assert outcome is not None
    assert outcome.result is Result.DONE
    last = life.books.savings[-1]
    assert [line.entry for line in last.entries] == ["canceled", "needs_attention"]
    assert "balance_insufficient" in str(last.subscription.needs_attention)
    assert "1000 usd" in str(last.subscription.needs_attention)
    assert [letter.refunded for letter in last.notifications] == [None]


async def test_when_it_cannot_be_ended_nothing_goes_back(life: Life) -> None:
    await pays_for_a_month(life)
    life.bank.refuses = "something"

    outcome = await life.ask(Cancel(Timing.NOW))

    assert outcome is not None
    assert outcome.result is Result.FAILED
    assert life.bank.refunds == []
