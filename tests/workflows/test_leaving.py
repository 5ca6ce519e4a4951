"""A customer leaves and says why."""

import pytest

from lifecycle.intents import Cancel, CancelReason, Resume, Timing
from tests.workflows.conftest import Life


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
