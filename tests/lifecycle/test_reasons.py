"""A line of the timeline explains itself when everything else is gone."""

from dataclasses import replace

from lifecycle.moves import Move
from lifecycle.reasons import reasons
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import PRO, after, day, over, paid, someone, trial, unpaid_since

SECOND_MONTH = {"period_starts_at": day(31), "period_ends_at": day(62)}
PAID = after(paid())
LATE = after(paid(), unpaid_since(day(31), attempts=2, **SECOND_MONTH))


def told(move: Move, before: Subscription, now: Subscription, at: float) -> dict[str, str]:
    return reasons(move, before, now, day(at))


def test_a_trial_that_started_says_until_when_and_what_it_costs_then() -> None:
    line = told(Move.TRIAL_STARTED, someone(), after(trial()), 0)

    assert line["trial_ends_at"] == "2026-03-15T09:00:00Z"
    assert line["amount"] == "1000 usd"
    assert line["policy"] == "1"
    assert (line["access_before"], line["access_after"]) == ("none (no_subscription)", "granted (trial)")


def test_a_failed_payment_says_what_was_tried_how_often_and_how_long_we_wait() -> None:
    line = told(Move.PAYMENT_FAILED, PAID, LATE, 31)

    assert line["invoice"] == "in_1"
    assert (line["amount"], line["attempts"]) == ("1000 usd", "2")
    assert (line["grace_days"], line["max_payment_attempts"]) == ("14", "4")
    assert line["grace_ends_at"] == "2026-04-15T09:00:00Z"
    assert (line["access_before"], line["access_after"]) == ("granted (paid)", "granted (grace)")
    assert line["access_until"] == line["grace_ends_at"]


def test_giving_up_says_which_rule_was_used_up() -> None:
    line = told(Move.GAVE_UP, LATE, after(over(day(45)), of=LATE), 45)

    assert (line["invoice"], line["attempts"], line["grace_days"]) == ("in_1", "2", "14")
    assert line["past_due_since"] == "2026-04-01T09:00:00Z"
    assert (line["access_before"], line["access_after"]) == ("none (grace_ended)", "none (canceled)")


def test_a_payment_that_came_says_which_invoice_it_was_and_that_access_is_paid_again() -> None:
    line = told(Move.PAYMENT_RECOVERED, LATE, after(paid(**SECOND_MONTH), of=LATE), 33)

    assert (line["invoice"], line["amount"]) == ("in_1", "1000 usd")
    assert line["access_after"] == "granted (paid)"


def test_a_renewal_changes_no_access_and_says_until_when_it_is_paid() -> None:
    line = told(Move.RENEWED, PAID, after(paid(**SECOND_MONTH), of=PAID), 31)

    assert line["period_ends_at"] == "2026-05-02T09:00:00Z"
    assert "access_before" not in line


def test_a_change_of_plan_says_from_what_to_what() -> None:
    line = told(Move.PLAN_CHANGED, PAID, replace(PAID, terms=PRO), 3)

    assert (line["previous_plan"], line["previous_amount"]) == ("BASIC per month", "1000 usd")
    assert (line["plan"], line["amount"]) == ("PRO per month", "3000 usd")


def test_a_cancellation_says_when_and_why() -> None:
    leaving = replace(after(paid(cancel_at_period_end=True)), cancel_reason="too_expensive")

    line = told(Move.CANCELLATION_SCHEDULED, PAID, leaving, 3)

    assert (line["reason"], line["cancel_at"]) == ("too_expensive", "2026-04-01T09:00:00Z")
    assert line["access_after"] == "granted (cancellation_scheduled)"
