from dataclasses import replace

import pytest

from lifecycle.facts import EndReason, Facts, InvoiceStatus
from lifecycle.moves import Move
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import BEGAN, PRO, after, day, invoice, look, over, paid, someone, trial, unpaid_since

IN_TRIAL = after(trial())
PAID = after(paid())
LEAVING = after(paid(cancel_at_period_end=True))
UNPAID_MONTH = after(paid(), unpaid_since(day(31)))
SECOND_MONTH = {"period_starts_at": day(31), "period_ends_at": day(62)}


@pytest.mark.parametrize(
    ("before", "facts", "moves"),
    [
        (someone(), trial(), [Move.TRIAL_STARTED]),
        (someone(), paid(), [Move.SUBSCRIBED]),
        (someone(), look(Status.INCOMPLETE), [Move.PAYMENT_PENDING]),
        (after(look(Status.INCOMPLETE)), paid(), [Move.FIRST_PAYMENT_RECEIVED]),
        (after(look(Status.INCOMPLETE)), look(Status.INCOMPLETE_EXPIRED), [Move.FIRST_PAYMENT_EXPIRED]),
        (after(look(Status.INCOMPLETE)), over(day(0.1)), [Move.CANCELED]),
        (IN_TRIAL, trial(day(20)), [Move.TRIAL_EXTENDED]),
        (IN_TRIAL, trial(day(10)), [Move.TRIAL_SHORTENED]),
        (IN_TRIAL, paid(trial_ends_at=day(14)), [Move.TRIAL_CONVERTED]),
        (IN_TRIAL, unpaid_since(day(14)), [Move.PAYMENT_FAILED]),
        (IN_TRIAL, over(day(14)), [Move.TRIAL_ENDED_WITHOUT_CARD]),
        (IN_TRIAL, over(day(3)), [Move.CANCELED]),
        (after(trial(cancel_at=day(14))), over(day(14)), [Move.CANCELED]),
        (IN_TRIAL, look(Status.PAUSED), [Move.TRIAL_PAUSED_WITHOUT_CARD]),
        (IN_TRIAL, trial(price="pro_month", terms=PRO), [Move.PLAN_CHANGED]),
        (IN_TRIAL, paid(price="pro_month", terms=PRO), [Move.TRIAL_CONVERTED, Move.PLAN_CHANGED]),
        (PAID, paid(**SECOND_MONTH), [Move.RENEWED]),
        (PAID, paid(price="pro_month", terms=PRO), [Move.PLAN_CHANGED]),
        (PAID, paid(cancel_at_period_end=True), [Move.CANCELLATION_SCHEDULED]),
        (PAID, paid(cancel_at=day(20)), [Move.CANCELLATION_SCHEDULED]),
        (LEAVING, paid(), [Move.CANCELLATION_UNDONE]),
        (LEAVING, over(day(31)), [Move.CANCELED]),
        (PAID, unpaid_since(day(31)), [Move.PAYMENT_FAILED]),
        (PAID, trial(), [Move.TRIAL_EXTENDED]),
        (PAID, look(Status.PAUSED), [Move.PAUSED]),
        (PAID, over(day(40), end_reason=EndReason.PAYMENT_FAILED), [Move.GAVE_UP]),
        (UNPAID_MONTH, unpaid_since(day(31), attempts=2), [Move.PAYMENT_FAILED_AGAIN]),
        (UNPAID_MONTH, paid(**SECOND_MONTH), [Move.PAYMENT_RECOVERED]),
        (UNPAID_MONTH, look(Status.UNPAID), [Move.LEFT_UNPAID]),
        (UNPAID_MONTH, over(day(45)), [Move.CANCELED]),
        (UNPAID_MONTH, over(day(45), end_reason=EndReason.PAYMENT_FAILED), [Move.GAVE_UP]),
        (replace(UNPAID_MONTH, gave_up_at=day(45)), over(day(45)), [Move.GAVE_UP]),
        (after(look(Status.UNPAID), of=UNPAID_MONTH), paid(), [Move.PAYMENT_RECOVERED]),
        (after(look(Status.PAUSED), of=PAID), paid(), [Move.RESUMED]),
    ],
)
def test_what_a_look_at_stripe_is_called(before: Subscription, facts: Facts, moves: list[Move]) -> None:
    after_it, happened, surprise = before.after(facts)

    assert happened == moves
    assert surprise is None
    assert after_it.status is facts.status
    assert after_it.needs_attention is None


@pytest.mark.parametrize(
    ("before", "facts"),
    [
        (someone(), unpaid_since(day(31))),
        (someone(), over(day(1))),
        (IN_TRIAL, look(Status.INCOMPLETE)),
        (UNPAID_MONTH, trial()),
        (after(over(day(31)), of=PAID), paid()),
    ],
)
def test_a_fact_that_fits_no_move_is_adopted_and_flagged(before: Subscription, facts: Facts) -> None:
    after_it, moves, surprise = before.after(facts)

    assert moves == []
    assert surprise == f"Stripe says {facts.status} after {before.status}; no known move leads there"
    assert after_it.status is facts.status
    assert after_it.period_ends_at == facts.period_ends_at
    assert after_it.needs_attention == surprise


def test_a_flag_stays_until_a_person_takes_it_away() -> None:
    flagged = after(trial(), of=UNPAID_MONTH)
    assert after(paid(trial_ends_at=day(14)), of=flagged).needs_attention == flagged.needs_attention


@pytest.mark.parametrize(
    "facts",
    [
        trial(),
        paid(),
        unpaid_since(day(31), attempts=3),
        over(day(31)),
        look(Status.UNPAID, invoice=invoice(InvoiceStatus.OPEN, attempts=4)),
        look(Status.PAST_DUE, invoice=invoice(InvoiceStatus.UNCOLLECTIBLE, attempts=3)),
        look(Status.PAST_DUE, invoice=invoice(InvoiceStatus.VOID, attempts=3)),
        look(Status.PAST_DUE, invoice=invoice(InvoiceStatus.OPEN, attempts=2, amount=0)),
    ],
)
def test_the_same_facts_twice_change_nothing(facts: Facts) -> None:
    once = after(facts)
    assert once.after(facts) == (once, [], None)


def test_a_new_invoice_that_fails_while_an_older_one_was_open_is_another_failure() -> None:
    next_month = invoice(InvoiceStatus.OPEN, id="in_2", attempts=1, finalized_at=day(62))
    tired = after(unpaid_since(day(31), attempts=3), of=UNPAID_MONTH)

    _, moves, _ = tired.after(look(Status.PAST_DUE, invoice=next_month))

    assert moves == [Move.PAYMENT_FAILED_AGAIN]


def test_an_older_invoice_that_comes_into_view_again_has_not_failed_since() -> None:
    """The latest is a draft now, and then the older one is paid: nothing was tried meanwhile."""
    next_month = invoice(InvoiceStatus.OPEN, id="in_2", attempts=1, finalized_at=day(62))
    two_months = after(look(Status.PAST_DUE, invoice=next_month), of=UNPAID_MONTH)

    older, moves, _ = two_months.after(unpaid_since(day(31), attempts=3, is_latest=False))
    assert moves == []

    _, moves, _ = older.after(look(Status.PAST_DUE, invoice=replace(next_month, is_latest=False)))
    assert moves == []


def test_a_new_invoice_that_nobody_tried_to_charge_is_no_failure() -> None:
    drafted = invoice(InvoiceStatus.DRAFT, id="in_2")
    _, moves, _ = UNPAID_MONTH.after(look(Status.PAST_DUE, invoice=drafted))
    assert moves == []


def test_grace_counts_from_the_first_failure_and_only_a_payment_ends_it() -> None:
    later = after(
        unpaid_since(day(33), attempts=2),
        unpaid_since(day(62), attempts=1),
        look(Status.PAST_DUE, invoice=invoice(InvoiceStatus.DRAFT, id="in_2")),
        look(Status.UNPAID),
        of=UNPAID_MONTH,
    )
    assert UNPAID_MONTH.past_due_since == later.past_due_since == day(31)
    assert later.grace_ends_at == day(45)
    recovered = after(paid(), of=later)
    assert recovered.past_due_since is None
    assert after(unpaid_since(day(70)), of=recovered).past_due_since == day(70)


def test_a_failure_without_a_finalized_invoice_counts_from_the_beginning_of_the_period() -> None:
    assert after(look(Status.PAST_DUE), of=PAID).past_due_since == BEGAN


def test_only_an_invoice_that_is_open_for_an_amount_is_owed() -> None:
    assert UNPAID_MONTH.invoice == invoice(InvoiceStatus.OPEN, attempts=1, finalized_at=day(31))
    for settled in (InvoiceStatus.PAID, InvoiceStatus.VOID, InvoiceStatus.DRAFT, InvoiceStatus.UNCOLLECTIBLE):
        assert after(paid(invoice=invoice(settled))).invoice is None
    assert after(paid(invoice=invoice(InvoiceStatus.OPEN, amount=0))).invoice is None


def test_terms_stay_known_when_a_look_does_not_repeat_them() -> None:
    assert after(paid(terms=None), of=PAID).terms == PAID.terms


def test_a_trial_once_had_is_had_for_ever() -> None:
    ended = after(paid(trial_ends_at=None), over(day(31)), of=IN_TRIAL)
    again = replace(ended, seq=7, needs_attention="look here").next_life()
    assert again == Subscription(
        user_id="ada", seq=7, trial_used=True, stripe_customer_id="cus_1", needs_attention="look here", currency="usd"
    )


def test_a_cancellation_is_over_once_it_took_effect() -> None:
    assert LEAVING.is_canceling
    assert LEAVING.cancel_at == day(31)
    ended = after(over(day(31), cancel_at_period_end=True), of=LEAVING)
    assert not ended.is_canceling


def test_why_a_customer_leaves_is_known_until_they_stay() -> None:
    leaving = replace(LEAVING, cancel_reason="too_expensive")
    assert after(paid(cancel_at_period_end=True), over(day(31)), of=leaving).cancel_reason == "too_expensive"
    assert after(paid(), of=leaving).cancel_reason is None
