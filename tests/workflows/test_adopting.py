"""A workflow that begins in the middle of a life: imported, or told that the books differ."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.events import IMPORTED, RECONCILED, EventHint
from lifecycle.facts import Card, Facts, Invoice, InvoiceStatus
from lifecycle.plans import Interval
from lifecycle.statuses import Status
from tests.workflows.conftest import CATALOGUE, Life

NOW = datetime.now(UTC)


def elsewhere(status: Status, **more: object) -> Facts:
    """A subscription that was sold before we were there."""
    known = Facts(
        subscription_id="sub_old",
        customer_id="cus_1",
        status=status,
        price="price_1",
        started_at=NOW - timedelta(days=400),
        period_starts_at=NOW - timedelta(days=5),
        period_ends_at=NOW + timedelta(days=26),
        terms=CATALOGUE.terms("BASIC", Interval.MONTH),
    )
    return replace(known, **more)  # type: ignore[arg-type]


OWED = Invoice("in_1", InvoiceStatus.OPEN, 1000, "usd", 3, finalized_at=NOW - timedelta(days=20))


async def adopts(life: Life, facts: Facts, *hints: EventHint) -> None:
    life.bank.subscriptions[facts.subscription_id] = facts
    await life.take(*(hints or [EventHint("import/1", IMPORTED, facts.subscription_id)]))
    await life.knows(lambda state: state.stripe_subscription_id == facts.subscription_id, "it was not adopted")
    await life.comes_to_rest()


async def test_an_imported_past_due_customer_has_grace_from_now_on_and_hears_nothing(life: Life) -> None:
    await adopts(life, elsewhere(Status.PAST_DUE, invoice=OWED))

    state = await life.state()
    assert life.books.lines == ["imported"]
    assert state.needs_attention is None
    assert state.grace_ends_at is not None
    assert state.grace_ends_at > NOW + timedelta(days=13)
    assert [saving.notifications for saving in life.books.savings] == [[]]


async def test_an_imported_customer_keeps_the_whole_grace_however_often_somebody_else_has_tried(life: Life) -> None:
    await adopts(life, elsewhere(Status.PAST_DUE, invoice=replace(OWED, attempts=9)))

    state = await life.state()
    assert (state.status, state.tries_used_up) == (Status.PAST_DUE, False)
    assert life.bank.done == [], "nothing is ended, and nobody is charged"
    life.bank.says(invoice=replace(OWED, attempts=10))
    await life.hears_one_by_one("evt_failed")
    assert (await life.state()).status is Status.PAST_DUE
    assert life.bank.done == []


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.PAST_DUE])
async def test_an_import_puts_nobody_on_another_card(life: Life, status: Status) -> None:
    """The shop chose one for the subscription, and the customer's default is another, newer one."""
    cards = {"card": Card("pm_own"), "newer_card": Card("pm_new"), "customer_default": "pm_new"}
    owed = OWED if status is Status.PAST_DUE else None
    await adopts(life, elsewhere(status, invoice=owed, **cards))

    state = await life.state()
    assert (state.offered_card, state.customer_default) == (None, "pm_new")
    assert life.books.lines == ["imported"]
    life.bank.says(period_ends_at=NOW + timedelta(days=27))
    await life.hears_one_by_one("evt_1")
    assert (await life.state()).offered_card is None


async def test_an_event_that_comes_together_with_the_import_does_not_make_it_loud(life: Life) -> None:
    event = EventHint("evt_1", "invoice.paid", "sub_old")
    await adopts(life, elsewhere(Status.ACTIVE), EventHint("import/1", IMPORTED, "sub_old"), event)

    assert life.books.lines == ["imported"]
    assert life.books.events == ["evt_1"]
    assert [saving.notifications for saving in life.books.savings] == [[]]


async def test_a_trial_that_is_about_to_end_is_imported_without_a_reminder(life: Life) -> None:
    soon = NOW + timedelta(days=1)
    await adopts(life, elsewhere(Status.TRIALING, trial_ends_at=soon, period_ends_at=soon))

    assert life.books.lines == ["imported"]


async def test_the_life_after_an_import_is_as_loud_as_any(life: Life) -> None:
    await adopts(life, elsewhere(Status.PAST_DUE, invoice=OWED))

    life.bank.says(status=Status.ACTIVE, invoice=replace(OWED, status=InvoiceStatus.PAID))
    await life.hears_one_by_one("evt_paid")

    assert life.books.lines == ["imported", "payment_recovered"]
    assert life.books.savings[-1].notifications[0].kind == "payment_recovered"


async def test_a_second_import_of_the_same_changes_nothing(life: Life) -> None:
    await adopts(life, elsewhere(Status.ACTIVE))

    await life.take(EventHint("import/2", IMPORTED, "sub_old"))
    await life.until(lambda: len(life.books.savings) == 2, "the second one was not looked at")

    assert life.books.lines == ["imported"]


async def test_a_person_reads_which_of_two_that_began_together_stands(life: Life) -> None:
    first = elsewhere(Status.ACTIVE, owner_id=life.user_id)
    second = replace(first, subscription_id="sub_later", started_at=NOW)
    life.bank.subscriptions["sub_later"] = second

    kind = "customer.subscription.created"
    await adopts(life, first, EventHint("evt_1", kind, "sub_later"), EventHint("evt_2", kind, "sub_old"))

    assert "sub_later was begun beside sub_old: it was canceled" in str((await life.state()).needs_attention)
    assert ("take_back", "sub_later") in life.bank.done


async def test_a_difference_that_a_look_mends_is_told_by_the_reconciliation(life: Life) -> None:
    await life.subscribe()
    life.bank.says(cancel_at_period_end=True)

    await life.take(EventHint("reconciliation/7", RECONCILED, life.bank.newest.subscription_id, differs="cancel_at"))
    await life.until(lambda: "reconciled" in life.books.lines, "it was not repaired")

    entries = life.books.savings[-1].entries
    assert [(entry.entry, entry.cause) for entry in entries] == [
        ("cancellation_scheduled", "reconciliation"),
        ("reconciled", "reconciliation"),
    ]
    assert entries[-1].detail == {"differed": "cancel_at"}
    assert (await life.state()).needs_attention is None


async def test_a_difference_that_stays_after_a_look_is_for_a_person(life: Life) -> None:
    await life.subscribe()

    hint = EventHint("reconciliation/7", RECONCILED, life.bank.newest.subscription_id, differs="amount", in_vain=True)
    await life.take(hint)
    await life.until(lambda: "needs_attention" in life.books.lines, "nobody was called")

    assert "a look has not mended it: amount" in str((await life.state()).needs_attention)
    assert "amount" in life.books.savings[-1].entries[-1].detail["reason"]


async def test_a_lost_past_due_customer_found_by_a_reconciliation_is_no_surprise(life: Life) -> None:
    hint = EventHint("reconciliation/7", RECONCILED, "sub_old", differs="unknown here")
    await adopts(life, elsewhere(Status.PAST_DUE, invoice=OWED), hint)

    assert life.books.lines == ["adopted", "reconciled"]
    assert (await life.state()).needs_attention is None


async def test_a_subscription_whose_events_were_lost_is_welcomed_when_it_is_found(life: Life) -> None:
    await adopts(life, elsewhere(Status.ACTIVE), EventHint("r/7", RECONCILED, "sub_old", differs="unknown here"))

    assert life.books.lines == ["subscribed", "reconciled"]
    assert [due.kind for saving in life.books.savings for due in saving.notifications] == ["welcome"]
