from dataclasses import replace

import pytest

from lifecycle.causes import with_declined_choice
from lifecycle.facts import Card, EndReason, Facts, InvoiceStatus
from lifecycle.letters import letter, letters_due
from lifecycle.notifications import Notification
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import PRO, after, day, invoice, look, over, paid, someone, trial, unpaid_since

IN_TRIAL = after(trial())
PAID = after(paid())
LEAVING = after(paid(cancel_at_period_end=True))
UNPAID_MONTH = after(paid(), unpaid_since(day(31)))
WANTS_CONFIRMATION = invoice(InvoiceStatus.OPEN, attempts=1, finalized_at=day(31), action_required=True)


@pytest.mark.parametrize(
    ("before", "facts", "letters"),
    [
        (someone(), trial(), ["welcome sub_1"]),
        (someone(), paid(), ["welcome sub_1"]),
        (someone(), look(Status.INCOMPLETE), []),
        (after(look(Status.INCOMPLETE)), paid(), ["welcome sub_1"]),
        (after(look(Status.INCOMPLETE)), look(Status.INCOMPLETE_EXPIRED), []),
        (IN_TRIAL, trial(day(20)), ["trial_extended sub_1/2026-03-21T09:00:00Z"]),
        (IN_TRIAL, paid(), []),
        (IN_TRIAL, over(day(14)), ["canceled sub_1"]),
        (IN_TRIAL, look(Status.PAUSED), ["trial_paused sub_1"]),
        (PAID, paid(period_starts_at=day(31), period_ends_at=day(62)), []),
        (PAID, paid(price="pro_month", terms=PRO), ["plan_changed sub_1/8"]),
        (PAID, paid(cancel_at_period_end=True), ["cancellation_scheduled sub_1/8"]),
        (LEAVING, paid(), []),
        (LEAVING, over(day(31)), ["canceled sub_1"]),
        (PAID, unpaid_since(day(31)), ["payment_failed in_1/1"]),
        (PAID, look(Status.PAST_DUE, invoice=WANTS_CONFIRMATION), ["action_required in_1/1"]),
        (UNPAID_MONTH, unpaid_since(day(31), attempts=2), ["payment_failed in_1/2"]),
        (UNPAID_MONTH, paid(), ["payment_recovered sub_1/8"]),
        (UNPAID_MONTH, over(day(45), end_reason=EndReason.PAYMENT_FAILED), ["canceled sub_1"]),
        (UNPAID_MONTH, trial(), []),
    ],
)
def test_which_letter_follows_from_which_look(before: Subscription, facts: Facts, letters: list[str]) -> None:
    assert _due(before, facts) == letters


@pytest.mark.parametrize(
    ("before", "facts", "letters"),
    [
        (UNPAID_MONTH, unpaid_since(day(31)), ["payment_failed in_1/1/8"]),
        (UNPAID_MONTH, unpaid_since(day(31), attempts=2), ["payment_failed in_1/2"]),
        (UNPAID_MONTH, look(Status.PAST_DUE, invoice=WANTS_CONFIRMATION), ["action_required in_1/1/8"]),
        (UNPAID_MONTH, look(Status.UNPAID, invoice=UNPAID_MONTH.invoice), ["payment_failed in_1/1/8"]),
        (UNPAID_MONTH, paid(), ["payment_recovered sub_1/8"]),
        (PAID, unpaid_since(day(31)), ["payment_failed in_1/1"]),
        (PAID, paid(), []),
    ],
)
def test_a_declined_card_of_the_customers_own_choice_is_told_once_whether_stripe_counts_it_or_not(
    before: Subscription, facts: Facts, letters: list[str]
) -> None:
    later, moves, _ = before.after(facts)
    due = letters_due(before, replace(later, seq=8), with_declined_choice(moves, later))
    assert [f"{one.kind} {one.occasion}" for one in due] == letters


def test_a_letter_after_grace_promises_no_access() -> None:
    kept = replace(UNPAID_MONTH, left_unpaid_at=day(45))
    later, moves, _ = kept.after(unpaid_since(day(31)))
    (due,) = letters_due(kept, later, with_declined_choice(moves, later))
    assert due.grace_ends_at is None


def test_a_look_alone_announces_no_card() -> None:
    expiring = Card("pm_1", 3, 2026)
    assert _due(PAID, paid(card=expiring)) == []


def test_the_letter_about_a_card_is_named_by_its_occasion() -> None:
    expiring = after(paid(card=Card("pm_1", 3, 2026)))
    told = replace(expiring, card_reminded_for="pm_1/2026-04/2026-04-01")
    assert letter(Notification.CARD_EXPIRING, expiring, told).occasion == "pm_1/2026-04/2026-04-01"


def test_a_letter_about_money_says_how_much_and_when() -> None:
    owed = invoice(InvoiceStatus.OPEN, attempts=1, finalized_at=day(31), next_attempt_at=day(34), amount=1700)
    unpaid, moves, _ = PAID.after(look(Status.PAST_DUE, invoice=owed))

    [due] = letters_due(PAID, unpaid, moves)

    assert (due.amount, due.currency) == (1700, "usd")
    assert due.next_attempt_at == day(34)
    assert due.grace_ends_at == day(45)


def test_a_price_is_named_before_discounts_and_an_invoice_is_named_as_it_is() -> None:
    welcomed, moves, _ = someone().after(trial(has_discount=True))
    (due,) = letters_due(someone(), welcomed, moves)
    assert (due.amount, due.before_discounts) == (1000, True)

    unpaid, moves, _ = PAID.after(unpaid_since(day(31), has_discount=True))
    (due,) = letters_due(PAID, unpaid, moves)
    assert due.before_discounts is None


def test_a_change_of_plan_names_both_plans() -> None:
    upgraded, moves, _ = PAID.after(paid(price="pro_month", terms=PRO))
    [due] = letters_due(PAID, upgraded, moves)
    assert (due.previous_plan, due.plan) == ("BASIC", "PRO")


def test_the_reminder_of_a_trial_is_named_by_its_end() -> None:
    assert letter(Notification.TRIAL_ENDING, IN_TRIAL, IN_TRIAL).occasion == "sub_1/2026-03-15T09:00:00Z"
    extended = after(trial(day(20)))
    assert letter(Notification.TRIAL_ENDING, extended, extended).occasion == "sub_1/2026-03-21T09:00:00Z"


def test_who_leaves_is_told_until_when_and_is_promised_no_charge() -> None:
    leaving, moves, _ = PAID.after(paid(cancel_at_period_end=True))
    [due] = letters_due(PAID, leaving, moves)
    assert due.access_until == day(31)
    assert due.next_charge_at is None


def _due(before: Subscription, facts: Facts) -> list[str]:
    before = replace(before, seq=7)
    now, moves, _ = before.after(facts)
    return [f"{due.kind} {due.occasion}" for due in letters_due(before, replace(now, seq=8), moves)]


def test_a_letter_about_a_card_that_is_refused_for_good_says_so() -> None:
    refused = replace(unpaid_since(day(31)).invoice, needs_new_card=True)  # type: ignore[type-var]
    before = after(paid())
    there, moves, _ = before.after(unpaid_since(day(31), invoice=refused))
    (due,) = letters_due(before, there, moves)
    assert due.needs_new_card
