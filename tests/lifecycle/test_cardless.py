"""The rules of a trial that Stripe does not know of."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import cardless
from lifecycle.access import AccessReason, access_at
from lifecycle.intents import Cancel, CancelReason, Subscribe, Timing
from lifecycle.moves import Move
from lifecycle.plans import TrialWithoutCard
from lifecycle.reasons import standing_of
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import BASIC, BEGAN, PRO, day, look, paid, someone, trial

TRIAL, _ = cardless.begin(someone(), BASIC, 14, BEGAN)


def ending(way: TrialWithoutCard) -> Subscription:
    return replace(TRIAL, terms=replace(BASIC, trial_without_card=way))


@pytest.mark.parametrize(
    ("intent", "days", "begins"),
    [
        (Subscribe(BASIC, may_be_cardless=True), 14, True),
        (Subscribe(BASIC), 14, False),
        (Subscribe(BASIC, may_be_cardless=True), 0, False),
        (Subscribe(BASIC, payment_method="pm_1", may_be_cardless=True), 14, False),
        (Subscribe(BASIC, promotion_code="SPRING", may_be_cardless=True), 14, False),
    ],
)
def test_what_begins_without_stripe(intent: Subscribe, days: int, begins: bool) -> None:
    assert cardless.may_begin(intent, days) is begins


def test_a_plan_whose_trial_ends_in_an_invoice_begins_at_stripe() -> None:
    terms = replace(BASIC, trial_without_card=TrialWithoutCard.CREATE_INVOICE)
    assert not cardless.may_begin(Subscribe(terms, may_be_cardless=True), 14)


def test_a_trial_gives_access_to_its_end_and_not_a_moment_longer() -> None:
    assert access_at(standing_of(TRIAL), day(14) - timedelta(seconds=1)).granted
    assert access_at(standing_of(TRIAL), day(14)).reason is AccessReason.TRIAL_ENDED
    assert TRIAL.trial_reminder_at == day(11)
    assert TRIAL.trial_used


@pytest.mark.parametrize(
    ("trial_of", "status", "move"),
    [
        (ending(TrialWithoutCard.CANCEL), Status.CANCELED, Move.TRIAL_ENDED_WITHOUT_CARD),
        (ending(TrialWithoutCard.PAUSE), Status.PAUSED, Move.TRIAL_PAUSED_WITHOUT_CARD),
        (cardless.cancel(ending(TrialWithoutCard.PAUSE), Cancel(), day(1))[0], Status.CANCELED, Move.CANCELED),
    ],
)
def test_how_a_trial_without_a_card_ends(trial_of: Subscription, status: Status, move: Move) -> None:
    ended, moves = cardless.end_trial(trial_of, day(14))
    assert (ended.status, moves) == (status, [move])
    assert not access_at(standing_of(ended), day(14)).granted


def test_who_leaves_a_trial_has_it_to_its_end_and_may_come_back() -> None:
    leaving, moves = cardless.cancel(TRIAL, Cancel(reason=CancelReason.UNUSED), day(3))
    assert moves == [Move.CANCELLATION_SCHEDULED]
    assert access_at(standing_of(leaving), day(13)).granted
    assert leaving.trial_reminder_at is None, "whoever leaves is not reminded of a charge that never comes"
    back, moves = cardless.resume(leaving)
    assert (back, moves) == (TRIAL, [Move.CANCELLATION_UNDONE])


@pytest.mark.parametrize("subscription", [TRIAL, replace(TRIAL, status=Status.PAUSED)], ids=["trial", "pause"])
def test_leaving_now_ends_it_now(subscription: Subscription) -> None:
    over, moves = cardless.cancel(subscription, Cancel(Timing.NOW), day(3))
    assert (over.status, over.ended_at, moves) == (Status.CANCELED, day(3), [Move.CANCELED])


def test_a_pause_has_no_period_to_wait_for() -> None:
    over, _ = cardless.cancel(replace(TRIAL, status=Status.PAUSED), Cancel(), day(20))
    assert over.status is Status.CANCELED


def test_another_plan_keeps_the_end_of_the_trial() -> None:
    changed, moves = cardless.change_plan(TRIAL, PRO)
    assert (changed.terms, changed.trial_ends_at, moves) == (PRO, day(14), [Move.PLAN_CHANGED])


@given(st.floats(0.1, 700))
def test_a_trial_that_is_moved_ends_then_also_for_those_who_leave(days: float) -> None:
    leaving, _ = cardless.cancel(TRIAL, Cancel(), day(1))
    moved, (move,) = cardless.move_trial_end(leaving, day(days))
    assert moved.trial_ends_at == moved.period_ends_at == moved.cancel_at
    assert (move is Move.TRIAL_EXTENDED) == (moved.trial_ends_at is not None and moved.trial_ends_at > day(14))


def test_a_card_takes_the_trial_to_stripe_and_nothing_else_changes() -> None:
    at_stripe, moves, surprise = TRIAL.after(trial(day(14)))
    assert (moves, surprise) == ([Move.CARD_ADDED], None)
    assert not at_stripe.is_cardless
    assert at_stripe.trial_ends_at == TRIAL.trial_ends_at


def test_a_conversion_is_told_as_one_and_a_pause_as_resumed() -> None:
    assert TRIAL.after(paid())[1:] == ([Move.TRIAL_CONVERTED], None)
    assert replace(TRIAL, status=Status.PAUSED).after(paid())[1:] == ([Move.RESUMED], None)


def test_falling_on_a_free_plan_is_one_move_not_two() -> None:
    free = replace(BASIC, plan="FREE", lookup_key="free_year", amount=0)
    before = replace(TRIAL, terms=replace(BASIC, trial_without_card=TrialWithoutCard.FREE, fallback=free))
    on_free = look(Status.ACTIVE, price="free_year", terms=free, card=None)
    after, moves, surprise = before.after(on_free)
    assert (moves, surprise) == ([Move.MOVED_TO_FREE_PLAN], None)
    assert access_at(standing_of(after), day(20)).reason is AccessReason.FREE


def test_a_trial_that_stripe_ended_without_a_card_names_the_free_plan_that_follows() -> None:
    free = replace(BASIC, plan="FREE", lookup_key="free_year", amount=0)
    terms = replace(BASIC, trial_without_card=TrialWithoutCard.FREE, fallback=free)
    at_stripe = TRIAL.after(trial(day(14), terms=terms))[0]
    ended, moves, _ = at_stripe.after(look(Status.CANCELED, ended_at=day(14), terms=None))
    assert (moves, ended.fallback) == ([Move.TRIAL_ENDED_WITHOUT_CARD], free)
    assert ended.next_life().fallback is None
