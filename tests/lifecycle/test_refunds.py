"""Money that goes back is told once; what is given back never exceeds what was paid."""

from dataclasses import replace

import pytest

from lifecycle.refunds import Refund, Refundable, after_refund, amount_to_refund
from lifecycle.refusals import Refusal
from lifecycle.subscription import Subscription

REFUND = Refund("re_1", "ch_1", 400, "usd", "succeeded")


def told(*statuses: str) -> list[str]:
    subscription, lines = Subscription("ada"), []
    for status in statuses:
        subscription, more = after_refund(subscription, replace(REFUND, status=status))
        lines += [line.entry for line in more]
    return lines


@pytest.mark.parametrize(
    ("statuses", "lines"),
    [
        (["succeeded"], ["refunded"]),
        (["succeeded", "succeeded"], ["refunded"]),
        (["pending", "succeeded"], ["refunded"]),
        (["succeeded", "failed"], ["refunded", "refund_failed"]),
        (["failed"], ["refunded", "refund_failed"]),
        (["pending", "canceled", "canceled"], ["refunded", "refund_failed"]),
    ],
)
def test_a_refund_is_told_once_and_once_more_when_it_fails(statuses: list[str], lines: list[str]) -> None:
    assert told(*statuses) == lines


def test_the_timeline_keeps_what_bookkeeping_asks_for() -> None:
    _, (line,) = after_refund(Subscription("ada"), replace(REFUND, reason="duplicate", by="operator-7"))
    assert line.detail == {
        "refund": "re_1",
        "charge": "ch_1",
        "amount": "400",
        "currency": "usd",
        "status": "succeeded",
        "reason": "duplicate",
        "by": "operator-7",
    }


def test_a_refund_that_fails_is_for_a_person() -> None:
    subscription, _ = after_refund(Subscription("ada"), REFUND)
    assert subscription.needs_attention is None

    subscription, _ = after_refund(subscription, replace(REFUND, status="failed"))
    assert "give the money back some other way" in str(subscription.needs_attention)


def test_a_refund_is_remembered_in_the_next_life() -> None:
    subscription, _ = after_refund(Subscription("ada"), REFUND)
    assert subscription.next_life().refunds == {"re_1": "succeeded"}


@pytest.mark.parametrize(("wanted", "given"), [(None, 600), (600, 600), (1, 1)])
def test_all_that_is_left_or_a_part_of_it(wanted: int | None, given: int) -> None:
    assert amount_to_refund(Refundable("ch_1", 600, "usd"), wanted) == given


@pytest.mark.parametrize(
    ("found", "wanted", "code"),
    [
        (Refundable("ch_1", 600, "usd"), 601, "refund_too_large"),
        (Refundable("ch_1", 0, "usd"), None, "nothing_to_refund"),
        (Refundable("ch_1", 0, "usd"), 5, "nothing_to_refund"),
        (Refundable(refused="unknown_invoice"), None, "unknown_invoice"),
    ],
)
def test_never_more_than_is_left(found: Refundable, wanted: int | None, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        amount_to_refund(found, wanted)
    assert refused.value.code == code
