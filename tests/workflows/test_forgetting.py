"""Being forgotten: Stripe first; what it does not confirm is not forgotten here."""

import asyncio

from lifecycle.abandoned_checkouts import AbandonedCheckout
from lifecycle.events import EventHint
from lifecycle.intents import Forget, Result, Subscribe
from lifecycle.plans import Interval
from lifecycle.statuses import Status
from tests.workflows.conftest import CATALOGUE, Life


async def test_stripe_first_then_the_letter_then_our_own_rows(life: Life) -> None:
    await life.subscribe()

    outcome = await life.ask(Forget(), "op-1")

    assert outcome is not None
    assert (outcome.result, outcome.code) == (Result.DONE, "forgotten")
    assert life.bank.done[-1] == ("end_in_stripe", "op-1")
    told = [line for line in life.books.lines if not line.startswith("letter")]
    assert told == ["subscribed", "canceled", "forgotten"]
    assert life.post.sent == 2
    assert life.books.forgotten == [life.user_id]
    last = life.books.savings[-1].subscription
    assert (last.stripe_customer_id, last.stripe_subscription_id, last.card, last.invoice) == (None, None, None, None)
    assert await life.handle.result() == Status.CANCELED


async def test_what_stripe_refuses_is_not_forgotten_and_a_person_is_told(life: Life) -> None:
    await life.subscribe()
    life.bank.refuses = "customer_locked"

    outcome = await life.ask(Forget())

    assert outcome is not None
    assert outcome.result is Result.FAILED
    assert life.books.forgotten == []
    state = await life.state()
    assert "customer_locked" in str(state.needs_attention)
    assert (state.status, state.forgotten_at) == (Status.ACTIVE, None)


async def test_the_address_is_not_forgotten_before_the_last_letter_is_out(life: Life) -> None:
    await life.subscribe()
    await life.ask(Forget())
    await life.handle.result()

    events = await life.history()
    names = {
        event.event_id: event.activity_task_scheduled_event_attributes.activity_type.name
        for event in events
        if event.HasField("activity_task_scheduled_event_attributes")
    }
    (forgets,) = [number for number, name in names.items() if name == "forgetting.anonymise"]
    sent = [
        event.event_id
        for event in events
        if event.HasField("activity_task_completed_event_attributes")
        and names[event.activity_task_completed_event_attributes.scheduled_event_id] == "emails.send"
    ]
    assert len(sent) == 2
    assert max(sent) < forgets


async def test_late_news_of_a_forgotten_user_look_at_nothing(life: Life) -> None:
    await life.subscribe()
    gone = life.bank.newest.subscription_id
    await life.until(lambda: life.post.sent == 1, "the welcome was not sent")
    life.post.is_held = asyncio.Event()
    asked = asyncio.create_task(life.ask(Forget()))
    await life.until(lambda: "canceled" in life.books.lines, "the end was not seen")
    looks = life.bank.looks

    await life.take(EventHint("evt_late", "customer.subscription.deleted", gone))
    life.post.is_held.set()
    await asked

    await life.until(lambda: "evt_late" in life.books.events, "the event was not applied")
    assert life.bank.looks == looks
    assert life.books.savings[-1].subscription.stripe_customer_id is None


async def test_who_never_subscribed_is_forgotten_and_may_come_back(life: Life) -> None:
    outcome = await life.ask(Forget())
    assert outcome is not None
    assert outcome.result is Result.DONE

    again = await life.ask(Subscribe(CATALOGUE.terms("BASIC", Interval.MONTH), trial_days=0))
    assert again is not None
    assert again.result is Result.DONE
    await life.hear("evt_1")
    await life.until(lambda: "evt_1" in life.books.events, "the event was not applied")
    assert (await life.state()).status is Status.ACTIVE
    assert (await life.state()).forgotten_at is None


async def test_a_checkout_page_that_expires_meanwhile_is_nothing_to_remind_of(life: Life) -> None:
    life.bank.abandoned = AbandonedCheckout("cs_1", CATALOGUE.terms("BASIC", Interval.MONTH))

    async def the_page_expires() -> None:
        await life.take(EventHint("evt_1", "checkout.session.expired", session_id="cs_1"))

    life.bank.while_ending = the_page_expires
    await life.subscribe()

    await life.ask(Forget())
    await life.handle.result()

    assert "evt_1" in life.books.events
    assert "checkout_abandoned" not in life.books.lines


async def test_a_life_that_was_begun_for_a_checkout_page_reminds_and_ends(life: Life) -> None:
    life.bank.abandoned = AbandonedCheckout("cs_1", CATALOGUE.terms("BASIC", Interval.MONTH), "sub_before")

    await life.take(EventHint("evt_1", "checkout.session.expired", session_id="cs_1"))

    assert await life.handle.result() == Status.NONE
    (saving,) = life.books.savings
    assert [line.entry for line in saving.entries] == ["checkout_abandoned"]
    assert [(letter.kind, letter.occasion) for letter in saving.notifications] == [
        ("abandoned_checkout", "after/sub_before")
    ]
    assert life.post.sent == 1
