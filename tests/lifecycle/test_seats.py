"""How many seats: what is more and what is less, what stays, what is told and what is not."""

from dataclasses import replace

import pytest

from lifecycle.drift import account_in, differences
from lifecycle.facts import PlannedChange
from lifecycle.intents import ChangePlan, Subscribe
from lifecycle.letters import letters_due
from lifecycle.moves import Move
from lifecycle.notifications import Notification
from lifecycle.plan_changes import quantity_after, timing_of
from lifecycle.plans import Interval, Terms
from lifecycle.reasons import reasons
from lifecycle.refusals import Refusal, check
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import BASIC, PRO, after, day, paid, someone, trial

TEAM = replace(PRO, max_quantity=10)
TEAM_A_YEAR = replace(TEAM, interval=Interval.YEAR, lookup_key="pro_year", amount=30000)
SOLO = BASIC


def team_of(seats: int, **seen: object) -> Subscription:
    return after(paid(price="pro_month", terms=TEAM, quantity=seats, **seen))


@pytest.mark.parametrize(
    ("before", "had", "then", "wanted", "timing"),
    [
        (TEAM, 3, TEAM, 4, "when_paid"),
        (TEAM, 3, TEAM, 2, "at_period_end"),
        (TEAM, 4, SOLO, 1, "at_period_end"),
        (SOLO, 1, TEAM, 1, "when_paid"),
        (TEAM, 1, SOLO, 5, "when_paid"),
        (TEAM, 1, SOLO, 3, "at_period_end"),
        (TEAM, 5, TEAM_A_YEAR, 5, "when_paid"),
        (TEAM, 5, TEAM_A_YEAR, 1, "at_period_end"),
        (TEAM_A_YEAR, 5, TEAM, 5, "at_period_end"),
        (TEAM_A_YEAR, 1, TEAM, 5, "when_paid"),
    ],
)
def test_the_money_of_a_year_for_all_seats_decides_what_is_more(
    before: Terms, had: int, then: Terms, wanted: int, timing: str
) -> None:
    assert timing_of(Status.ACTIVE, before, then, seats_before=had, seats_after=wanted) == timing
    assert timing_of(Status.TRIALING, before, then, seats_before=had, seats_after=wanted) == "in_trial"


@pytest.mark.parametrize(
    ("seats", "terms", "wanted", "number"),
    [
        (5, TEAM, None, 5),
        (5, TEAM_A_YEAR, None, 5),
        (5, SOLO, None, 1),
        (5, replace(TEAM, plan="ENTERPRISE", max_quantity=3), None, 3),
        (5, TEAM, 7, 7),
        (12, TEAM, None, 12),  # an operator gave more than the plan is sold in
    ],
)
def test_seats_stay_as_far_as_the_new_plan_allows(seats: int, terms: Terms, wanted: int | None, number: int) -> None:
    assert quantity_after(team_of(seats), terms, wanted) == number


@pytest.mark.parametrize(
    ("planned", "wanted", "code"),
    [
        (None, 5, "same_plan"),
        (None, None, "same_plan"),
        (None, 4, ""),
        (None, 11, "quantity_too_large"),
        (PlannedChange("pro_month", day(31), TEAM, quantity=2), 2, "same_plan"),
        (PlannedChange("pro_month", day(31), TEAM, quantity=2), 3, ""),
        (PlannedChange("pro_month", day(31), TEAM, quantity=2), None, ""),  # thinks better of it
    ],
)
def test_which_number_may_be_asked_for(planned: PlannedChange | None, wanted: int | None, code: str) -> None:
    team = team_of(5, planned=planned)
    assert _refusal(team, ChangePlan(TEAM, quantity=wanted)) == code


def test_a_plan_that_is_not_sold_by_quantity_is_sold_once() -> None:
    assert _refusal(someone(), Subscribe(SOLO, quantity=1)) == ""
    assert _refusal(someone(), Subscribe(SOLO, quantity=2)) == "quantity_too_large"
    assert _refusal(after(trial()), ChangePlan(SOLO, quantity=2)) == "quantity_too_large"


def test_other_seats_are_a_change_of_plan_and_the_letter_says_what_all_of_them_cost() -> None:
    before = team_of(3)
    now, moves, _ = before.after(paid(price="pro_month", terms=None, quantity=5))

    assert moves == [Move.PLAN_CHANGED]
    (letter,) = letters_due(before, now, moves)
    assert (letter.kind, letter.amount, letter.previous_quantity, letter.quantity) == (
        Notification.PLAN_CHANGED,
        15000,
        3,
        5,
    )
    detail = reasons("plan_changed", before, now, day(3))
    assert (detail["previous_quantity"], detail["quantity"]) == ("3", "5")
    assert (detail["previous_amount"], detail["amount"]) == ("9000 usd", "15000 usd")


def test_seats_that_were_never_counted_are_counted_without_a_word() -> None:
    from_before = replace(team_of(1), quantity=None)

    now, moves, _ = from_before.after(paid(price="pro_month", terms=None, quantity=5))

    assert (from_before.seats, now.seats, moves) == (1, 5, [])


def test_a_plan_for_fewer_seats_is_told_once_and_comes_true() -> None:
    fewer = PlannedChange("pro_month", day(31), TEAM, quantity=2)
    before = team_of(3)
    planning, moves, _ = before.after(paid(price="pro_month", planned=fewer, quantity=3))

    assert moves == [Move.PLAN_CHANGE_PLANNED]
    (letter,) = letters_due(before, planning, moves)
    assert (letter.kind, letter.amount, letter.quantity) == (Notification.PLAN_CHANGE_SCHEDULED, 6000, 2)
    assert planning.after(paid(price="pro_month", planned=fewer, quantity=3))[1] == []
    assert planning.after(paid(price="pro_month", planned=replace(fewer, quantity=1), quantity=3))[1] == moves
    assert planning.after(paid(price="pro_month", quantity=2))[1] == [Move.PLAN_CHANGED]
    assert planning.after(paid(price="pro_month", quantity=3))[1] == [Move.PLAN_CHANGE_DROPPED]


def test_books_that_count_other_seats_differ() -> None:
    facts = paid(price="pro_month", terms=TEAM, quantity=3)
    assert differences(replace(account_in(facts), quantity=2), facts) == ("quantity",)


def _refusal(subscription: Subscription, intent: ChangePlan | Subscribe) -> str:
    try:
        check(subscription, intent)
    except Refusal as refusal:
        return refusal.code.value
    return ""
