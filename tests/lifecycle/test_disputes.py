"""A disputed payment is told once when it comes and once when it ends, in whatever order we hear of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lifecycle.disputes import Dispute, after_dispute
from lifecycle.plans import Interval, Terms, TrialWithoutCard
from lifecycle.policy import OnDispute, Policy
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DISPUTE = Dispute("du_1", "ch_1", 1000, "usd", "fraudulent", "needs_response", datetime(2026, 12, 1, 12, tzinfo=UTC))


def told(*statuses: str) -> list[str]:
    """The lines that a customer's timeline gets when we see the dispute in these statuses, one after the other."""
    subscription, lines = Subscription("ada"), []
    for status in statuses:
        subscription, more = after_dispute(subscription, replace(DISPUTE, status=status), NOW)
        lines += [line.entry for line in more]
    return lines


@pytest.mark.parametrize(
    ("statuses", "lines"),
    [
        (["needs_response"], ["payment_disputed"]),
        (["needs_response", "needs_response"], ["payment_disputed"]),
        (["needs_response", "under_review", "won"], ["payment_disputed", "dispute_won"]),
        (["lost"], ["payment_disputed", "dispute_lost"]),
        (["lost", "lost"], ["payment_disputed", "dispute_lost"]),
        (["warning_needs_response", "warning_closed"], ["payment_disputed", "dispute_closed"]),
        (["warning_needs_response", "needs_response"], ["payment_disputed", "dispute_escalated"]),
        (["warning_needs_response", "lost"], ["payment_disputed", "dispute_escalated", "dispute_lost"]),
        (["a status that Stripe adds one day"], ["payment_disputed"]),
    ],
)
def test_each_dispute_is_told_once_when_it_comes_and_once_when_it_ends(statuses: list[str], lines: list[str]) -> None:
    assert told(*statuses) == lines


def test_two_disputes_are_two_stories() -> None:
    subscription, first = after_dispute(Subscription("ada"), DISPUTE, NOW)
    subscription, second = after_dispute(subscription, replace(DISPUTE, id="du_2", status="lost"), NOW)

    assert [line.entry for line in first] == ["payment_disputed"]
    assert [line.entry for line in second] == ["payment_disputed", "dispute_lost"]
    assert subscription.disputes == {"du_1": "needs_response", "du_2": "lost"}


def test_the_operator_hears_what_to_do_and_by_when() -> None:
    subscription, _ = after_dispute(Subscription("ada"), DISPUTE, NOW)
    assert subscription.needs_attention == (
        "payment ch_1 is disputed (fraudulent, 1000 usd in minor units): "
        "answer du_1 in Stripe before 2026-12-01 12:00 UTC"
    )

    subscription, _ = after_dispute(subscription, replace(DISPUTE, status="won"), NOW)
    assert str(subscription.needs_attention).endswith("du_1 is won; decide whether this subscription goes on")


def test_what_an_operator_has_acknowledged_is_not_flagged_again_by_the_same_status() -> None:
    subscription, _ = after_dispute(Subscription("ada"), DISPUTE, NOW)
    acknowledged = replace(subscription, needs_attention=None)

    assert after_dispute(acknowledged, DISPUTE, NOW)[0].needs_attention is None


def test_a_dispute_is_remembered_in_the_next_life() -> None:
    subscription, _ = after_dispute(Subscription("ada"), DISPUTE, NOW)
    assert subscription.next_life().disputes == {"du_1": "needs_response"}


def sold_under(rule: OnDispute, status: Status = Status.ACTIVE) -> Subscription:
    """A subscription whose terms have this rule about disputes."""
    policy = Policy(3, 14, 8, 3, 1, rule)
    terms = Terms("BASIC", Interval.MONTH, "basic_month", 1000, "usd", 14, TrialWithoutCard.CANCEL, policy)
    return Subscription("ada", status=status, stripe_subscription_id="sub_1", terms=terms)


@pytest.mark.parametrize("status", ["needs_response", "under_review", "lost"])
def test_money_that_is_taken_back_suspends_at_once_and_uses_up_the_trial(status: str) -> None:
    suspended, lines = after_dispute(sold_under(OnDispute.SUSPEND_AND_CANCEL), replace(DISPUTE, status=status), NOW)

    assert (suspended.is_suspended, suspended.suspended_at, suspended.suspended_for) == (True, NOW, "du_1")
    assert suspended.trial_used
    assert lines[-1].entry == "suspended"
    assert lines[-1].detail["rule"] == "on_dispute = suspend_and_cancel"
    assert lines[-1].detail["policy_version"] == "3"


@pytest.mark.parametrize("status", ["warning_needs_response", "warning_under_review", "warning_closed", "won", "new"])
def test_an_inquiry_and_a_won_dispute_only_flag(status: str) -> None:
    flagged, lines = after_dispute(sold_under(OnDispute.SUSPEND_AND_CANCEL), replace(DISPUTE, status=status), NOW)

    assert not flagged.is_suspended
    assert not flagged.trial_used
    assert flagged.needs_attention
    assert "suspended" not in [line.entry for line in lines]


def test_an_inquiry_that_becomes_a_dispute_suspends_then() -> None:
    inquiry = replace(DISPUTE, status="warning_needs_response")
    asked, _ = after_dispute(sold_under(OnDispute.SUSPEND_AND_CANCEL), inquiry, NOW)
    disputed, lines = after_dispute(asked, DISPUTE, NOW)

    assert disputed.is_suspended
    assert [line.entry for line in lines] == ["dispute_escalated", "suspended"]


def test_a_dispute_that_is_known_never_ends_a_later_subscription() -> None:
    suspended, _ = after_dispute(sold_under(OnDispute.SUSPEND_AND_CANCEL), DISPUTE, NOW)
    later = replace(sold_under(OnDispute.SUSPEND_AND_CANCEL), disputes=suspended.disputes)

    for status in ("needs_response", "under_review", "lost"):
        later, _ = after_dispute(later, replace(DISPUTE, status=status), NOW)
        assert not later.is_suspended


def test_the_policy_may_leave_it_to_a_person() -> None:
    flagged, _ = after_dispute(sold_under(OnDispute.FLAG), DISPUTE, NOW)

    assert not flagged.is_suspended
    assert flagged.needs_attention
    assert flagged.trial_used


def test_a_subscription_that_is_over_is_not_suspended() -> None:
    over, lines = after_dispute(sold_under(OnDispute.SUSPEND_AND_CANCEL, Status.CANCELED), DISPUTE, NOW)

    assert over.suspended_at is None
    assert [line.entry for line in lines] == ["payment_disputed"]
