"""When a customer hears of an expiring card. The period of these customers begins on 1 March 2026 at nine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from lifecycle.adoption import met_in_the_middle
from lifecycle.expiring_cards import card_is_next, card_reminder_at, reminded_of_card
from lifecycle.facts import Card, Facts
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import BASIC, BEGAN, POLICY, after, day, look, paid, someone, trial, unpaid_since
from tests.lifecycle.test_subscription_properties import many_looks

MARCH, APRIL, NOVEMBER = (Card("pm_1", month, 2026) for month in (3, 4, 11))
A_YEAR = {"period_ends_at": datetime(2027, 3, 1, 9, tzinfo=UTC)}


def first_of(month: int) -> datetime:
    return datetime(2026, month, 1, tzinfo=UTC)


def told_until(subscription: Subscription, now: datetime) -> list[str]:
    """The occasions that are told until then, one after the other."""
    names = []
    while (moment := card_reminder_at(subscription)) and moment <= now:
        subscription = reminded_of_card(subscription, moment)
        names.append(str(subscription.card_reminded_for))
    return names


@pytest.mark.parametrize(
    ("facts", "at"),
    [
        (paid(card=MARCH), day(24)),
        (paid(card=Card("pm_1", 2, 2026)), None),
        (paid(card=APRIL), first_of(4)),
        (paid(card=Card("pm_1", 5, 2026)), None),
        (paid(card=APRIL, period_ends_at=day(40)), first_of(4)),
        (paid(card=NOVEMBER, **A_YEAR), first_of(11)),
        (paid(card=None), None),
        (paid(card=Card("pm_1")), None),
        (paid(card=MARCH, cancel_at_period_end=True), None),
        (unpaid_since(day(1), card=MARCH, period_ends_at=day(31)), None),
        (look(Status.PAUSED, card=MARCH), None),
        (trial(day(40), card=MARCH), day(33)),
        (trial(day(3), card=Card("pm_1", 2, 2026)), BEGAN),
        (trial(day(14), card=MARCH), None),
    ],
)
def test_when_the_customer_hears_of_it(facts: Facts, at: datetime | None) -> None:
    assert card_reminder_at(after(facts)) == at


def test_who_is_suspended_is_not_charged_and_hears_nothing() -> None:
    assert card_reminder_at(replace(after(paid(card=MARCH)), suspended_at=day(2))) is None


def test_a_year_has_two_letters_the_month_and_the_charge() -> None:
    yearly = after(paid(card=NOVEMBER, **A_YEAR))
    assert told_until(yearly, day(365)) == ["pm_1/2026-12", "pm_1/2026-12/2027-03-01"]
    once = reminded_of_card(yearly, first_of(11))
    assert card_reminder_at(once) == A_YEAR["period_ends_at"] - timedelta(days=7)


def test_who_was_away_for_both_is_told_once() -> None:
    yearly = after(paid(card=NOVEMBER, **A_YEAR))
    late = reminded_of_card(yearly, day(364))
    assert late.card_reminded_for == "pm_1/2026-12/2027-03-01"
    assert card_reminder_at(late) is None


def test_the_days_before_the_charge_are_the_policys() -> None:
    def said(days: int) -> datetime | None:
        terms = replace(BASIC, policy=replace(POLICY, card_reminder_days=days))
        return card_reminder_at(after(paid(card=MARCH, terms=terms)))

    assert (said(10), said(40), said(0)) == (day(21), BEGAN, None)


@pytest.mark.parametrize("news", [{"card": Card("pm_2", 12, 2031)}, {"card": Card("pm_1", 3, 2029)}])
def test_a_new_card_or_a_new_date_on_it_needs_no_letter(news: dict[str, Any]) -> None:
    assert card_reminder_at(after(paid(card=MARCH), paid(**news))) is None


def test_another_card_that_expires_is_another_occasion() -> None:
    told = reminded_of_card(after(paid(card=MARCH)), day(24))
    assert card_reminder_at(told) is None
    another = after(paid(card=Card("pm_2", 3, 2026)), of=told)
    assert told_until(another, day(31)) == ["pm_2/2026-04/2026-04-01"]


def test_a_card_that_was_charged_after_its_date_was_renewed_by_its_bank() -> None:
    renewed = paid(card=MARCH, period_starts_at=day(31), period_ends_at=day(61))
    assert card_reminder_at(after(paid(card=MARCH), renewed)) is None


def test_it_is_what_the_customer_waits_for_when_it_comes_before_the_trial_reminder() -> None:
    assert card_is_next(after(trial(day(40), card=MARCH)))
    assert not card_is_next(after(trial(day(40), card=Card("pm_1", 3, 2027))))
    shortly = replace(BASIC, policy=replace(POLICY, card_reminder_days=2))
    assert not card_is_next(after(trial(day(40), card=MARCH, terms=shortly)))


def test_it_is_a_deadline() -> None:
    assert day(24) in after(paid(card=MARCH)).deadlines


def test_who_is_imported_after_the_moment_hears_nothing_of_it() -> None:
    imported = met_in_the_middle(someone(), paid(card=MARCH), day(25))
    assert card_reminder_at(imported) is None
    assert card_reminder_at(met_in_the_middle(someone(), paid(card=MARCH), day(20))) == day(24)


@given(many_looks)
def test_a_reminder_is_never_the_next_one_again(seen: list[Facts]) -> None:
    subscription = after(*seen)
    heard: list[str] = []
    while (moment := card_reminder_at(subscription)) is not None:
        assert subscription.period_ends_at is not None
        assert moment < subscription.period_ends_at
        subscription = reminded_of_card(subscription, moment)
        heard.append(str(subscription.card_reminded_for))
    assert len(heard) == len(set(heard)) <= 2
