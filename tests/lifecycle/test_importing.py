"""Whose subscription it is must be beyond doubt."""

from dataclasses import replace
from typing import Any

import pytest

from lifecycle.importing import Judgement, Knowledge, Offered, judge

OFFERED = Offered("sub_1", "cus_1", "active", prices=1, price="price_1", offer="BASIC per month")
KNOWN = Knowledge(users=frozenset({"ada", "bob"}))


def offered(**more: Any) -> Offered:
    return replace(OFFERED, **more)


def known(**more: Any) -> Knowledge:
    return replace(KNOWN, **more)


@pytest.mark.parametrize(
    ("one", "books"),
    [
        (offered(named="ada"), KNOWN),
        (offered(), known(mapped={"cus_1": "ada"})),
        (offered(), known(owners={"cus_1": "ada"}, customers={"ada": "cus_1"})),
        (offered(address="ada@example.org"), known(by_address={"ada@example.org": "ada"})),
        (offered(named="ada"), known(mapped={"cus_1": "ada"}, running={"ada": "sub_1"})),
        (offered(named="ada", address="b@example.org"), known(by_address={"b@example.org": "bob"})),
    ],
)
def test_whose_it_is_is_found(one: Offered, books: Knowledge) -> None:
    assert judge(one, books) == Judgement("ada")


@pytest.mark.parametrize(
    ("one", "books", "reason"),
    [
        (offered(), KNOWN, "nothing says whose"),
        (offered(address="ada@example.org"), KNOWN, "nothing says whose"),
        (offered(named="eve"), KNOWN, "there is no user eve"),
        (offered(named="ada"), known(mapped={"cus_1": "bob"}), "its metadata names ada, the file names bob"),
        (offered(named="ada"), known(owners={"cus_1": "bob"}), "our books names bob"),
        (offered(named="ada"), known(customers={"ada": "cus_2"}), "another Stripe customer, cus_2"),
        (offered(named="ada"), known(running={"ada": "sub_2"}), "has sub_2 here already"),
        (offered(named="ada", offer=None), KNOWN, "price_1 is a price of none of our plans"),
        (offered(named="ada", prices=2), KNOWN, "it has 2 prices"),
    ],
)
def test_what_is_doubtful_is_refused_with_its_reason(one: Offered, books: Knowledge, reason: str) -> None:
    verdict = judge(one, books)

    assert verdict.refusal is not None
    assert reason in verdict.refusal
    assert not verdict.is_foreign


def test_what_neither_names_a_user_nor_has_a_price_of_ours_belongs_to_another_product() -> None:
    assert judge(offered(offer=None), KNOWN).is_foreign
