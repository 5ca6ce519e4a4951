"""Which card is to be put to use: a new one, once, and at once while something is owed."""

from dataclasses import replace

import pytest

from lifecycle.facts import NO_CARD, Card, Facts, InvoiceStatus
from tests.lifecycle.looks import CARD, after, day, invoice, over, paid, someone, unpaid_since

NEW, OTHER = Card("pm_new", 1, 2030), Card("pm_other", 1, 2030)
OLD = Card("pm_old", 1, 2030)
LATE = day(31)
NEXT_MONTH = invoice(InvoiceStatus.OPEN, id="in_2", attempts=1, finalized_at=day(62))


@pytest.mark.parametrize(
    ("looks", "offered"),
    [
        ([paid()], None),
        ([paid(newer_card=NEW)], "pm_new"),
        ([paid(), unpaid_since(day(31))], None),
        ([paid(), unpaid_since(day(31)), unpaid_since(day(31), card=NEW)], "pm_new"),
        ([paid(), unpaid_since(day(31)), unpaid_since(day(31), newer_card=NEW)], "pm_new"),
        ([paid(), unpaid_since(day(31), card=None), unpaid_since(day(31), card=NEW)], "pm_new"),
        ([paid(), unpaid_since(day(31)), unpaid_since(day(31), card=NEW), paid(card=NEW)], None),
        ([paid(), unpaid_since(day(31), newer_card=NEW), over(day(40), newer_card=NEW)], None),
    ],
)
def test_a_card_that_was_not_tried_is_offered(looks: list[Facts], offered: str | None) -> None:
    assert after(*looks).offered_card == offered


def test_a_card_that_was_tried_is_not_offered_again_until_there_is_another() -> None:
    offering = after(paid(), unpaid_since(day(31)), unpaid_since(day(31), card=NEW))
    trying = replace(offering, tried_card=offering.offered_card, offered_card=None)

    assert after(unpaid_since(day(31), attempts=2, card=NEW), of=trying).offered_card is None
    assert after(unpaid_since(day(31), attempts=2, card=OTHER), of=trying).offered_card == "pm_other"


def test_a_card_that_paid_one_invoice_is_offered_for_an_older_one_that_is_open_still() -> None:
    two_months = after(paid(), unpaid_since(LATE), unpaid_since(day(62), invoice=NEXT_MONTH))

    paid_one = after(unpaid_since(LATE, attempts=3, is_latest=False, card=NEW), of=two_months)

    assert (paid_one.tried_card, paid_one.offered_card) == (CARD.id, NEW.id)


def test_a_card_of_whose_past_nothing_is_known_was_tried() -> None:
    met_late = replace(someone(), invoice=unpaid_since(day(31)).invoice)
    assert after(unpaid_since(day(31)), of=met_late).offered_card is None
    assert after(unpaid_since(day(31)), of=met_late).tried_card == CARD.id


@pytest.mark.parametrize(
    ("looks", "offered"),
    [
        ([paid(customer_default="pm_1")], None),
        ([paid(customer_default="pm_old")], None),
        ([paid(customer_default="pm_old"), paid(customer_default="pm_old")], None),
        ([paid(customer_default="pm_1"), paid(customer_default="pm_old")], "pm_old"),
        ([paid(customer_default="pm_1"), paid(customer_default="pm_old"), paid(customer_default="pm_old")], "pm_old"),
        ([paid(customer_default="pm_1"), paid(customer_default="pm_old"), paid(customer_default="pm_1")], None),
        ([paid(customer_default="pm_1"), paid(customer_default=None), paid(customer_default="pm_old")], "pm_old"),
        ([paid(customer_default=NO_CARD), unpaid_since(LATE, customer_default="pm_old")], "pm_old"),
        ([paid(customer_default="pm_old"), paid(customer_default=NO_CARD), paid(customer_default="pm_old")], "pm_old"),
        ([paid(customer_default="pm_1"), paid(customer_default="pm_old", card=OLD)], None),
        ([paid(customer_default="pm_1"), unpaid_since(LATE, customer_default="pm_old")], "pm_old"),
        ([paid(customer_default="pm_1"), over(LATE, customer_default="pm_old")], None),
    ],
)
def test_a_customer_who_goes_back_to_an_older_card_is_put_on_it(looks: list[Facts], offered: str | None) -> None:
    assert after(*looks).offered_card == offered


def test_going_back_and_forth_counts_each_time_though_both_cards_were_tried() -> None:
    late = unpaid_since(LATE, customer_default=CARD.id)
    here = after(paid(customer_default=CARD.id), late)
    for card, other in ((CARD, OLD), (OLD, CARD), (CARD, OLD)):
        here = after(unpaid_since(LATE, card=card, customer_default=other.id), of=here)
        assert here.offered_card == other.id
        here = replace(here, tried_card=other.id, offered_card=None)
        here = after(unpaid_since(LATE, card=other, customer_default=other.id), of=here)
        assert here.offered_card is None, "it was tried, and declined"


def test_a_card_that_an_operator_gave_the_subscription_stays_though_the_customers_own_is_newer() -> None:
    here = after(paid(customer_default=CARD.id), paid(card=OLD, newer_card=CARD, customer_default=CARD.id))
    assert here.offered_card is None


def test_the_card_that_a_subscription_was_begun_with_stays_though_the_customer_has_a_newer_one() -> None:
    """As on Stripe's page, where somebody picks the older of two saved cards."""
    assert after(paid(card=OLD, newer_card=NEW, customer_default="pm_new")).offered_card is None


def test_a_card_chosen_before_anybody_noted_what_the_customer_prefers_is_told_by_its_age() -> None:
    running = after(paid())
    assert after(paid(newer_card=NEW, customer_default="pm_new"), of=running).offered_card == "pm_new"
