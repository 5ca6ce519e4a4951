"""Whoever is met in the middle of a life is taken as they stand."""

from dataclasses import replace

import pytest

from lifecycle.adoption import met_in_the_middle
from lifecycle.facts import Facts
from lifecycle.statuses import Status
from tests.lifecycle.looks import day, look, paid, someone, trial, unpaid_since


@pytest.mark.parametrize(
    "facts",
    [trial(), paid(), unpaid_since(day(31)), look(Status.UNPAID), look(Status.PAUSED), look(Status.INCOMPLETE)],
    ids=lambda facts: facts.status,
)
def test_no_status_is_a_surprise(facts: Facts) -> None:
    met = met_in_the_middle(someone(), facts, day(40))

    assert met.status is facts.status
    assert met.needs_attention is None


def test_a_flag_that_was_there_stays() -> None:
    flagged = replace(someone(), needs_attention="two subscriptions")

    assert met_in_the_middle(flagged, paid(), day(40)).needs_attention == "two subscriptions"


def test_who_is_past_due_already_has_the_whole_grace_from_now_on() -> None:
    met = met_in_the_middle(someone(), unpaid_since(day(31)), day(40))

    assert met.past_due_since == day(40)
    assert met.grace_ends_at == day(54)


def test_a_deadline_that_is_known_from_before_is_not_moved() -> None:
    remembered = replace(someone(), past_due_since=day(32))

    assert met_in_the_middle(remembered, unpaid_since(day(31)), day(40)).grace_ends_at == day(46)


def test_a_trial_that_ends_later_is_still_announced() -> None:
    met = met_in_the_middle(someone(), trial(day(14)), day(5))

    assert met.trial_reminder_at == day(11)


def test_a_trial_whose_reminder_has_passed_was_announced_by_somebody_else() -> None:
    met = met_in_the_middle(someone(), trial(day(14)), day(12))

    assert met.trial_reminder_at is None
