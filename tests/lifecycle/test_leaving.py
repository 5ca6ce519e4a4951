"""What goes back to who leaves in a paid period: by the second, of what is left, and never while a bank decides."""

import json
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from lifecycle.intents import Cancel, Timing
from lifecycle.leaving import PeriodPayment, may_get_back, shares_due, why_nothing
from lifecycle.policy import Policy, RefundOnCancel, policy_from
from tests.lifecycle.looks import BEGAN, POLICY, after, day, paid, trial, unpaid_since

MONTH = PeriodPayment("in_1", "ch_1", 1000, "usd", BEGAN, day(31))
LEAVES = Cancel(Timing.NOW)


def sold_under(rule: RefundOnCancel) -> Policy:
    return replace(POLICY, refund_on_cancel=rule)


def amounts(rule: RefundOnCancel, *payments: PeriodPayment, after_days: float) -> list[int]:
    return [share.amount for share in shares_due(sold_under(rule), payments, None, day(after_days))]


@pytest.mark.parametrize(
    ("days", "amount"),
    [(0, 1000), (1, 967), (15.5, 500), (30, 32), (30.99, 0), (31, 0), (40, 0), (-1, 1000)],
)
def test_the_unused_seconds_are_given_back_rounded_down(days: float, amount: int) -> None:
    assert sum(amounts(RefundOnCancel.PRORATED, MONTH, after_days=days)) == amount


def test_a_second_counts() -> None:
    yearly = replace(MONTH, left=31 * 86_400)
    (share,) = shares_due(sold_under(RefundOnCancel.PRORATED), [yearly], None, BEGAN + timedelta(seconds=1))
    assert share.amount == 31 * 86_400 - 1


def test_what_went_back_before_is_not_given_back_again() -> None:
    assert amounts(RefundOnCancel.PRORATED, replace(MONTH, left=600), after_days=15.5) == [300]
    assert amounts(RefundOnCancel.FULL, replace(MONTH, left=600), after_days=15.5) == [600]
    assert amounts(RefundOnCancel.FULL, replace(MONTH, left=0), after_days=15.5) == []


def test_an_upgrade_is_prorated_over_the_time_that_it_was_paid_for() -> None:
    upgrade = PeriodPayment("in_2", "ch_2", 1000, "usd", day(15.5), day(31))
    assert amounts(RefundOnCancel.PRORATED, MONTH, upgrade, after_days=15.5) == [500, 1000]


@pytest.mark.parametrize("rule", list(RefundOnCancel))
def test_nothing_goes_back_while_a_bank_decides(rule: RefundOnCancel) -> None:
    disputed = replace(MONTH, is_disputed=True)
    assert shares_due(sold_under(rule), [MONTH, disputed], None, day(1)) == []
    assert shares_due(sold_under(rule), [MONTH], {"dp_1": "needs_response"}, day(1)) == []
    assert why_nothing([disputed], None) == why_nothing([], {"dp_1": "under_review"}) == "a payment is disputed"
    assert bool(shares_due(sold_under(rule), [MONTH], {"dp_1": "won"}, day(1))) is (rule is not RefundOnCancel.NONE)


def test_the_timeline_gets_the_rule_and_what_it_went_by() -> None:
    (share,) = shares_due(sold_under(RefundOnCancel.PRORATED), [MONTH], None, day(15.5))
    assert share.detail == {
        "rule": "refund_on_cancel = prorated",
        "policy_version": "1",
        "invoice": "in_1",
        "paid": "1000 usd",
        "period_ends_at": "2026-04-01T09:00:00Z",
        "seconds_unused": "1339200 of 2678400",
    }


def test_only_who_ends_a_paid_period_at_once_may_get_something_back() -> None:
    full = sold_under(RefundOnCancel.FULL)
    assert may_get_back(after(paid()), LEAVES, full)
    assert may_get_back(after(paid(cancel_at_period_end=True)), LEAVES, full)
    assert not may_get_back(after(paid()), LEAVES, sold_under(RefundOnCancel.NONE))
    assert not may_get_back(after(paid()), Cancel(Timing.PERIOD_END), full)
    assert not may_get_back(after(trial()), LEAVES, full)
    assert not may_get_back(after(paid(), unpaid_since(day(31))), LEAVES, full)


def test_the_rules_are_the_same_after_they_were_kept_as_a_row() -> None:
    policy = replace(sold_under(RefundOnCancel.PRORATED), version=3)
    row = json.loads(json.dumps(asdict(policy)))
    assert policy_from(row) == policy
    assert policy_from({**row, "a_rule_of_tomorrow": 1}) == policy
