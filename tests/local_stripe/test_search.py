"""Stripe's search language, as far as it goes and no further (https://docs.stripe.com/search)."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import Shop
from tests.local_stripe.test_protocol import call


@pytest.fixture(scope="module")
def people(one_shop: Shop) -> dict[str, str]:
    """Ada pays for everything, Grace for nothing yet."""
    given: dict[str, Any] = {
        "Ada": {"name": "Ada Lovelace", "email": "ada@search.example", "metadata": {"team": "Engines", "x y": "1"}},
        "Grace": {"name": 'Grace "Amazing" Hopper', "email": "grace@search.example", "metadata": {"team": "Navy"}},
        "Alan": {"name": "Alan Turing", "email": "alan@search.example"},
    }
    return {one_shop.v1.customers.create(facts).id: name for name, facts in given.items()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("email:'ADA@search.example'", ["Ada"]),
        ("name~'hopp'", ["Grace"]),
        ("email~'search.example' AND metadata['team']:'engines'", ["Ada"]),
        ("email~'search.example' metadata['team']:'engines'", ["Ada"]),
        ("email:'ada@search.example' OR name:'Alan Turing'", ["Ada", "Alan"]),
        ("email~'search.example' AND -metadata['team']:'Navy'", ["Ada", "Alan"]),
        ("email~'search.example' AND metadata['team']:null", ["Alan"]),
        ("email~'search.example' AND -metadata['team']:null", ["Ada", "Grace"]),
        ('metadata["x y"]:"1" AND created>1000', ["Ada"]),
        ("email~'search.example' AND created<1000", []),
        ('name~"\\"amazing\\""', ["Grace"]),
    ],
)
def test_a_search_finds(shop: Shop, people: dict[str, str], query: str, found: list[str]) -> None:
    assert sorted(people[one.id] for one in shop.v1.customers.search({"query": query}).data) == found


@pytest.mark.parametrize(
    "query",
    [
        "",
        "email",
        "email:'a' AND",
        "email:'a' AND name:'b' OR name:'c'",
        "(email:'a')",
        "name~'ab'",
        "name>'abc'",
        "shoe_size:'44'",
        "created~123",
        "created>'yesterday'",
        "email:null",
        " AND ".join(f"name:'n{n}'" for n in range(11)),
    ],
)
def test_what_the_language_does_not_have_is_refused(shop: Shop, query: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.search({"query": query})
    assert refused.value.param == "query"


def test_a_search_has_pages_and_counts_when_asked(shop: Shop, people: dict[str, str]) -> None:
    query: Any = {"query": "email~'search.example'", "limit": 2, "expand": ["total_count"]}
    first = shop.v1.customers.search(query)
    assert (len(first.data), first.has_more, first.total_count) == (2, True, 3)
    last = shop.v1.customers.search({**query, "page": first.next_page})
    assert (len(last.data), last.has_more, last.next_page) == (1, False, None)
    plain = call(shop, "GET", "/v1/customers/search?query=email~'search.example'").json()
    assert set(plain) == {"object", "data", "has_more", "next_page", "url"}


def test_an_invoice_is_found_by_its_subscription(shop: Shop) -> None:
    subscription = shop.customer().subscribe(shop.basic)
    found = shop.v1.invoices.search({"query": f"subscription:'{subscription.id}'"}).data
    assert [one.id for one in found] == [subscription.latest_invoice]


def test_search_by_metadata(shop: Shop) -> None:
    customer = shop.customer()
    found = customer.subscribe(shop.basic, metadata={"operation_id": f"op-{customer.id}"})
    query = f"metadata['operation_id']:'op-{customer.id}' AND status:'active'"
    assert [one.id for one in shop.v1.subscriptions.search({"query": query}).data] == [found.id]
