"""A disputed payment is told once when it comes and once when it ends, in whatever order we hear of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lifecycle.disputes import Dispute
from lifecycle.subscription import Subscription

DISPUTE = Dispute("du_1", "ch_1", 1000, "usd", "fraudulent", "needs_response", datetime(2026, 12, 1, 12, tzinfo=UTC))


def told(*statuses: str) -> list[str]:
    """The lines that a customer's timeline gets when we see the dispute in these statuses, one after the other."""
    subscription, lines = Subscription("ada"), []
    for status in statuses:
        subscription, more = subscription.after_dispute(replace(DISPUTE, status=status))
        lines += more
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
        (["a status that Stripe adds one day"], ["payment_disputed"]),
    ],
)
def test_each_dispute_is_told_once_when_it_comes_and_once_when_it_ends(statuses: list[str], lines: list[str]) -> None:
    assert told(*statuses) == lines


def test_two_disputes_are_two_stories() -> None:
    subscription, first = Subscription("ada").after_dispute(DISPUTE)
    subscription, second = subscription.after_dispute(replace(DISPUTE, id="du_2", status="lost"))

    assert (first, second) == (["payment_disputed"], ["payment_disputed", "dispute_lost"])
    assert subscription.disputes == {"du_1": "needs_response", "du_2": "lost"}


def test_the_operator_hears_what_to_do_and_by_when() -> None:
    subscription, _ = Subscription("ada").after_dispute(DISPUTE)
    assert subscription.needs_attention == (
        "payment ch_1 is disputed (fraudulent, 1000 usd in minor units): "
        "answer du_1 in Stripe before 2026-12-01 12:00 UTC"
    )

    subscription, _ = subscription.after_dispute(replace(DISPUTE, status="won"))
    assert str(subscription.needs_attention).endswith("du_1 is won; decide whether this subscription goes on")


def test_what_an_operator_has_acknowledged_is_not_flagged_again_by_the_same_status() -> None:
    subscription, _ = Subscription("ada").after_dispute(DISPUTE)
    acknowledged = replace(subscription, needs_attention=None)

    assert acknowledged.after_dispute(DISPUTE)[0].needs_attention is None


def test_a_dispute_is_remembered_in_the_next_life() -> None:
    subscription, _ = Subscription("ada").after_dispute(DISPUTE)
    assert subscription.next_life().disputes == {"du_1": "needs_response"}
