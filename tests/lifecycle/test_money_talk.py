"""Cases in which the same words of Stripe must not be taken for something else."""

from datetime import timedelta

import pytest

from lifecycle.facts import InvoiceStatus
from lifecycle.letters import letters_due
from lifecycle.moves import Move
from lifecycle.statuses import Status
from tests.lifecycle.looks import BASIC, after, day, invoice, look, paid, someone, unpaid_since


def test_a_price_that_only_lost_its_name_to_a_newer_one_is_no_change_of_plan() -> None:
    paying = after(paid(price="price_1"))

    _, moves, _ = paying.after(paid(price="price_1_renamed", terms=BASIC))

    assert moves == []


def test_grace_of_who_pays_by_invoice_begins_when_it_was_due() -> None:
    owed = invoice(InvoiceStatus.OPEN, finalized_at=day(31), due_at=day(61))

    late = after(look(Status.PAST_DUE, invoice=owed), of=after(paid()))

    assert late.past_due_since == day(61)
    assert late.grace_ends_at == day(61) + timedelta(days=14)


def test_who_is_met_when_late_already_has_the_whole_grace() -> None:
    met, _, _ = someone().after(unpaid_since(day(1)), adopted_at=day(40))

    assert met.grace_ends_at == day(54)


@pytest.mark.parametrize("end", [InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE])
def test_an_invoice_that_was_forgiven_is_no_payment_and_thanks_for_none(end: InvoiceStatus) -> None:
    late = after(paid(), unpaid_since(day(31)))

    forgiven, moves, _ = late.after(paid(invoice=invoice(end, attempts=1)))

    assert moves == [Move.INVOICE_FORGIVEN]
    assert letters_due(late, forgiven, moves) == []
