"""Stripe says no, or says what nobody here understands: the customer's workflow lives on and a person is called."""

from dataclasses import replace

from lifecycle.facts import Invoice, InvoiceStatus
from lifecycle.intents import Cancel, ChangePlan, Outcome, Result, Timing
from lifecycle.plans import Interval
from lifecycle.statuses import Status
from tests.workflows.conftest import CATALOGUE, Life

TO_PRO = ChangePlan(CATALOGUE.terms("PRO", Interval.MONTH))


async def test_an_intent_that_stripe_refuses_is_answered_and_the_next_one_is_carried_out(life: Life) -> None:
    await life.subscribe()
    life.bank.refuses = "price_missing"

    failed = await life.ask(TO_PRO)
    life.bank.refuses = None
    done = await life.ask(Cancel())

    assert failed == Outcome(
        Result.FAILED, "payment_provider_refused", "This could not be done; support knows.", Status.ACTIVE
    )
    assert done
    assert done.result is Result.DONE
    assert (await life.state()).needs_attention == "Stripe refused: price_missing"
    assert "needs_attention" in life.books.lines


async def test_a_giving_up_that_stripe_refuses_is_flagged_and_the_customer_is_not_lost(life: Life) -> None:
    await life.subscribe()
    life.bank.refuses = "invoice_not_editable"
    life.bank.cannot_charge(attempts=99)

    await life.hear("evt_1")
    await life.knows(lambda state: state.needs_attention is not None, "nobody was called")
    await life.comes_to_rest()

    state = await life.state()
    assert (state.status, state.needs_attention) == (Status.PAST_DUE, "Stripe refused: invoice_not_editable")
    assert state.gave_up_at is None


async def test_who_paid_in_the_moment_of_leaving_keeps_the_paid_period(life: Life) -> None:
    await life.subscribe()
    life.bank.cannot_charge(attempts=1)
    await life.hears_one_by_one("evt_1")
    paid = replace(life.bank.newest.invoice or Invoice("in_1", InvoiceStatus.OPEN, 1, "usd"), status=InvoiceStatus.PAID)
    life.bank.says(status=Status.ACTIVE, invoice=paid)  # and its event is still on the way

    done = await life.ask(Cancel(Timing.PERIOD_END))

    assert done
    assert done.result is Result.DONE
    state = await life.state()
    assert (state.status, state.cancel_at_period_end) == (Status.ACTIVE, True)


async def test_who_leaves_while_a_payment_is_open_is_let_go_at_once(life: Life) -> None:
    await life.subscribe()
    life.bank.cannot_charge(attempts=1)
    await life.hears_one_by_one("evt_1")

    await life.ask(Cancel(Timing.PERIOD_END))

    assert await life.handle.result() == "canceled"


async def test_words_of_stripe_that_we_do_not_know_call_a_person_and_change_nothing(life: Life) -> None:
    await life.subscribe()
    life.bank.unreadable = "subscription status 'hibernating'"

    await life.hears_one_by_one("evt_1")

    state = await life.state()
    assert state.status is Status.ACTIVE
    assert "hibernating" in str(state.needs_attention)


async def test_a_subscription_that_names_somebody_else_is_not_adopted(life: Life) -> None:
    await life.subscribe()
    theirs = replace(life.bank.newest, subscription_id="sub_theirs", owner_id="user-else")
    ours = life.bank.newest.subscription_id
    life.bank.subscriptions = {"sub_theirs": theirs, ours: replace(life.bank.newest, status=Status.CANCELED)}
    await life.hear("evt_1", subscription="sub_theirs")
    await life.handle.result()

    assert life.books.savings[-1].subscription.stripe_subscription_id == ours
    assert life.books.savings[-1].subscription.needs_attention == "sub_theirs belongs to user-else"


async def test_what_the_database_has_under_another_user_is_flagged_and_not_taken(life: Life) -> None:
    await life.subscribe()
    await life.ask(Cancel(Timing.NOW))
    await life.handle.result()
    life.bank.subscriptions["sub_2"] = replace(life.bank.newest, subscription_id="sub_2", status=Status.ACTIVE)
    life.books.conflict = "sub_2"

    await life.hear("evt_1", subscription="sub_2")
    await life.handle.result()

    last = life.books.savings[-1]
    assert last.events == ["evt_1"]
    assert last.subscription.stripe_subscription_id is None
    assert last.subscription.needs_attention == "another user has this Stripe customer or subscription"


async def test_what_is_still_open_when_a_life_ends_is_voided(life: Life) -> None:
    await life.subscribe()
    life.bank.cannot_charge(attempts=1)
    life.bank.says(status=Status.CANCELED, ended_at=life.bank.newest.period_starts_at)  # Stripe's own last retry

    await life.hear("evt_1")
    await life.handle.result()

    assert [name for name, _ in life.bank.done] == ["subscribe", "cancel"]
    assert life.books.savings[-1].subscription.invoice is None
