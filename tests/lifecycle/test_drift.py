"""Two books of one subscription: what differs, and what only seems to."""

from dataclasses import replace
from typing import Any

import pytest

from lifecycle.drift import Account, account_in, differences
from lifecycle.facts import Facts, InvoiceStatus
from lifecycle.statuses import Status
from tests.lifecycle.looks import PRO, day, invoice, look, paid, trial, unpaid_since

LATE = unpaid_since(day(31), attempts=2)


def ours(facts: Facts, **bent: Any) -> Account:
    return replace(account_in(facts), **bent)


@pytest.mark.parametrize("facts", [trial(), paid(), LATE, look(Status.PAUSED), paid(cancel_at_period_end=True)])
def test_books_that_say_the_same_agree(facts: Facts) -> None:
    assert differences(ours(facts), facts) == ()


@pytest.mark.parametrize(
    ("facts", "before", "names"),
    [
        (LATE, paid(), ("status", "open_invoice_id", "open_invoice_amount")),
        (paid(cancel_at_period_end=True), paid(), ("cancel_at_period_end", "cancel_at")),
        (paid(price="pro_month", terms=PRO), paid(), ("plan", "amount")),
        (paid(period_starts_at=day(31), period_ends_at=day(62)), paid(), ("period_starts_at", "period_ends_at")),
        (trial(day(20)), trial(day(14)), ("trial_ends_at", "period_ends_at")),
        (look(Status.CANCELED, ended_at=day(9)), paid(), ("status", "ended_at")),
    ],
)
def test_what_differs_is_named(facts: Facts, before: Facts, names: tuple[str, ...]) -> None:
    assert differences(ours(before), facts) == names


def test_a_renewal_that_is_not_decided_yet_is_no_difference() -> None:
    draft = invoice(InvoiceStatus.DRAFT)
    renewing = paid(period_starts_at=day(31), period_ends_at=day(62), invoice=draft)

    assert differences(ours(paid()), renewing, is_renewing=True) == ()
    assert differences(ours(paid(), status="past_due"), renewing, is_renewing=True) == ("status",)


def test_a_price_of_no_plan_is_named_as_such_whatever_we_think_the_plan_is() -> None:
    assert differences(ours(paid()), paid(price="price_x", terms=None, unknown_price=True)) == ("price",)
