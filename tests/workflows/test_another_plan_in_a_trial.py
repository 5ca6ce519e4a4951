"""A card that comes with another plan in the very moment in which a trial of ours ends."""

from lifecycle.intents import ChangePlan, Result, Subscribe
from lifecycle.statuses import Status
from tests.workflows.conftest import CATALOGUE, Life


async def test_a_trial_that_is_over_for_stripe_begins_with_its_first_payment_on_the_plan_that_was_chosen(
    life: Life,
) -> None:
    basic, pro = CATALOGUE.terms("BASIC", "month"), CATALOGUE.terms("PRO", "month")
    await life.ask(Subscribe(basic, trial_days=14, may_be_cardless=True))
    assert (await life.state()).is_cardless
    life.bank.takes_no_trial_end = True

    outcome = await life.ask(ChangePlan(pro, payment_method="pm_1", quantity=2), "wish")

    assert outcome is not None
    assert outcome.result is Result.DONE
    assert life.bank.done == [("subscribe", "wish"), ("subscribe", "wish/at_once")]
    now = await life.state()
    assert (now.status, now.terms and now.terms.plan) == (Status.ACTIVE, "PRO")
