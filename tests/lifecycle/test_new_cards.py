"""Which card is to be put to use: a new one, once, and at once while something is owed."""

from dataclasses import replace

import pytest

from lifecycle.facts import Card, Facts
from tests.lifecycle.looks import CARD, after, day, over, paid, someone, unpaid_since

NEW, OTHER = Card("pm_new", 1, 2030), Card("pm_other", 1, 2030)


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


def test_a_card_of_whose_past_nothing_is_known_was_tried() -> None:
    met_late = replace(someone(), invoice=unpaid_since(day(31)).invoice)
    assert after(unpaid_since(day(31)), of=met_late).offered_card is None
    assert after(unpaid_since(day(31)), of=met_late).tried_card == CARD.id
