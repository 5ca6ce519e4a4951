from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.expiring_cards import card_expires_at
from lifecycle.facts import Card, InvoiceStatus
from lifecycle.statuses import Status
from tests.lifecycle.looks import BEGAN, after, day, invoice, look, over, paid, someone, trial, unpaid_since


@pytest.mark.parametrize(
    ("trial_days", "reminder_on_day"),
    [(14, 11), (30, 27), (4, 1), (3, 2), (2, 1), (1, 0)],
)
def test_a_trial_is_announced_to_end_three_days_before_or_one_when_it_is_short(
    trial_days: int, reminder_on_day: int
) -> None:
    assert after(trial(day(trial_days))).trial_reminder_at == day(reminder_on_day)


def test_nobody_is_reminded_twice_or_of_a_charge_that_will_not_come() -> None:
    told = replace(after(trial()), trial_reminded_for=day(14))
    assert told.trial_reminder_at is None
    assert after(trial(day(20)), of=told).trial_reminder_at == day(17)
    assert after(trial(cancel_at_period_end=True)).trial_reminder_at is None
    assert after(paid(trial_ends_at=day(14))).trial_reminder_at is None
    assert after(trial(terms=None)).trial_reminder_at is None


def test_grace_lasts_as_long_as_the_policy_says() -> None:
    assert after(paid(), unpaid_since(day(31))).grace_ends_at == day(45)
    assert after(paid()).grace_ends_at is None


@pytest.mark.parametrize(("attempts", "used_up"), [(1, False), (3, False), (4, True), (5, True)])
def test_patience_ends_after_as_many_failed_charges_as_the_policy_has(attempts: int, used_up: bool) -> None:
    assert after(paid(), unpaid_since(day(31), attempts=attempts)).tries_used_up is used_up


def test_a_first_payment_may_come_within_23_hours() -> None:
    assert after(look(Status.INCOMPLETE)).first_payment_expires_at == BEGAN + timedelta(hours=23)
    assert someone().first_payment_expires_at is None


def test_every_deadline_is_known_in_order() -> None:
    owed = invoice(InvoiceStatus.OPEN, attempts=1, finalized_at=day(31), next_attempt_at=day(34))
    dunning = look(Status.PAST_DUE, invoice=owed, period_ends_at=day(62), cancel_at=day(50))
    assert someone().deadlines == []
    assert after(trial()).deadlines == [day(11), day(14), day(14)]
    assert after(paid()).deadlines == [day(31)]
    assert after(look(Status.INCOMPLETE)).deadlines == [BEGAN + timedelta(hours=23), day(31)]
    assert after(dunning).deadlines == [day(34), day(45), day(50), day(62)]
    assert after(over(day(31), cancel_at_period_end=True)).deadlines == []


@pytest.mark.parametrize(
    ("card", "expires"),
    [
        (Card("pm_1", 11, 2026), datetime(2026, 12, 1, tzinfo=UTC)),
        (Card("pm_1", 12, 2026), datetime(2027, 1, 1, tzinfo=UTC)),
        (Card("pm_1", 1, 2026), datetime(2026, 2, 1, tzinfo=UTC)),
        (Card("pm_1"), None),
        (None, None),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month(card: Card | None, expires: datetime | None) -> None:
    assert card_expires_at(card) == expires
