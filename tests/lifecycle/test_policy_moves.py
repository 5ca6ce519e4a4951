"""Whose rules hold: those that a subscription was sold under, until it is sold again or moved by name."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lifecycle.facts import Facts
from lifecycle.intents import MovePolicy
from lifecycle.plans import Interval, terms_that_hold
from lifecycle.policy import AfterGrace, OnDispute, Policy, policy_as_kept, policy_from
from lifecycle.policy_moves import after_policy_move
from lifecycle.refusals import Refusal, check
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import BASIC, POLICY, PRO, after, day, over, paid, someone, trial, unpaid_since

TODAY = replace(POLICY, version=2, grace_days=5, max_payment_attempts=2, after_grace=AfterGrace.UNPAID)
PATIENT = replace(POLICY, version=3, grace_days=30, max_payment_attempts=9)
LATE = after(paid(), unpaid_since(day(31)))


def test_another_price_of_the_same_plan_keeps_the_rules() -> None:
    dearer = replace(BASIC, amount=1200, policy=TODAY)
    yearly = replace(BASIC, interval=Interval.YEAR, lookup_key="basic_year", amount=10000, policy=TODAY)

    assert terms_that_hold(BASIC, dearer) == replace(dearer, policy=POLICY)
    assert terms_that_hold(BASIC, yearly) == replace(yearly, policy=POLICY)
    assert terms_that_hold(BASIC, None) == BASIC


def test_another_plan_is_sold_under_the_rules_that_it_has_today() -> None:
    pro = replace(PRO, policy=TODAY)

    assert terms_that_hold(BASIC, pro) == pro
    assert after(paid(), paid(price="price_pro", terms=pro)).terms == pro


def test_a_new_life_is_sold_under_the_rules_of_its_day() -> None:
    gone = after(paid(), over(day(31)))

    again = after(paid(terms=replace(BASIC, policy=TODAY)), of=gone.next_life())

    assert again.terms is not None
    assert again.terms.policy == TODAY


def moved(subscription: Subscription, policy: Policy) -> Subscription:
    return after_policy_move(subscription, policy, "grace")[0]


@pytest.mark.parametrize("rules", [TODAY, PATIENT])
def test_grace_that_runs_only_grows(rules: Policy) -> None:
    was = LATE.grace_ends_at
    now = moved(LATE, rules)

    assert was is not None
    assert now.grace_ends_at == max(was, day(31) + timedelta(days=rules.grace_days))
    assert moved(now, TODAY).grace_ends_at == now.grace_ends_at


def test_a_change_to_a_plan_with_less_patience_keeps_the_day_that_was_promised() -> None:
    swapped = after(unpaid_since(day(31), price="price_pro", terms=replace(PRO, policy=TODAY)), of=LATE)

    assert swapped.terms is not None
    assert swapped.terms.policy == TODAY
    assert swapped.grace_ends_at == LATE.grace_ends_at


def test_fewer_tries_do_not_end_what_was_promised() -> None:
    tried_twice = after(unpaid_since(day(31), attempts=2), of=LATE)

    assert not tried_twice.tries_used_up
    assert not moved(tried_twice, TODAY).tries_used_up
    assert moved(after(paid(), unpaid_since(day(31), attempts=4)), PATIENT).tries_used_up is False


def test_the_next_debt_has_the_new_rules_alone() -> None:
    settled = after(paid(), of=moved(LATE, TODAY))
    late_again = after(unpaid_since(day(62), attempts=1), of=settled)

    assert settled.grace_promised_until is None
    assert late_again.grace_ends_at == day(62) + timedelta(days=5)
    assert late_again.stays_unpaid


def test_a_reminder_follows_the_new_rules_and_is_said_once() -> None:
    sooner = replace(POLICY, version=2, trial_reminder_days=7)
    in_trial = after(trial())

    assert in_trial.trial_reminder_at == day(11)
    assert moved(in_trial, sooner).trial_reminder_at == day(7)
    assert moved(replace(in_trial, trial_reminded_for=day(14)), sooner).trial_reminder_at is None


def test_the_line_names_each_rule_before_and_after() -> None:
    _, line = after_policy_move(LATE, replace(TODAY, max_payment_attempts=4), "grace")

    assert line.entry == "policy_moved"
    assert line.detail == {
        "plan": "BASIC",
        "by": "grace",
        "previous_version": "1",
        "version": "2",
        "previous_grace_days": "14",
        "grace_days": "5",
        "previous_after_grace": "cancel",
        "after_grace": "unpaid",
        "previous_grace_ends_at": "2026-04-15T09:00:00Z",
        "grace_ends_at": "2026-04-15T09:00:00Z",
    }


@pytest.mark.parametrize(
    ("facts", "intent", "code"),
    [
        (paid(), MovePolicy("BASIC", TODAY), ""),
        (trial(), MovePolicy("BASIC", TODAY), ""),
        (unpaid_since(day(31)), MovePolicy("BASIC", TODAY), ""),
        (paid(), MovePolicy("BASIC", POLICY), "policy_unchanged"),
        (paid(), MovePolicy("PRO", TODAY), "policy_unchanged"),
        (over(day(31)), MovePolicy("BASIC", TODAY), "no_subscription"),
        (None, MovePolicy("BASIC", TODAY), "no_subscription"),
    ],
)
def test_who_can_be_moved(facts: Facts | None, intent: MovePolicy, code: str) -> None:
    subscription = after(paid(), facts) if facts else someone()
    assert _refusal(subscription, intent) == code


def test_a_policy_is_kept_whole_and_one_of_an_older_release_is_read() -> None:
    kept = policy_as_kept(TODAY)

    assert policy_from(kept) == TODAY
    older = {name: value for name, value in kept.items() if name not in {"on_dispute", "after_grace"}}
    assert policy_from(older) == replace(TODAY, on_dispute=OnDispute.FLAG, after_grace=AfterGrace.CANCEL)
    assert policy_from({**kept, "a_rule_of_tomorrow": 1}) == TODAY
    assert policy_from(None) is None


def _refusal(subscription: Subscription, intent: MovePolicy) -> str:
    try:
        check(subscription, intent)
    except Refusal as refusal:
        return refusal.code
    return ""
