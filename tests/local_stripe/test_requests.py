"""Requests in every form that clients send: keys, bodies, filters, searches, expansion, Stripe's own tool."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import stripe

from tests.local_stripe.shop import Shop
from tests.local_stripe.test_protocol import call


def test_the_order_of_parameters_does_not_matter_to_a_key(shop: Shop) -> None:
    first = call(shop, "POST", "/v1/customers", {"email": "a@b.co", "name": "A"}, idempotency_key="k4").json()
    again = call(shop, "POST", "/v1/customers", {"name": "A", "email": "a@b.co"}, idempotency_key="k4").json()
    assert first["id"] == again["id"]


def test_many_at_once_with_one_key_are_one(shop: Shop) -> None:
    def create(_: int) -> str:
        return str(call(shop, "POST", "/v1/customers", {"email": "a@b.co"}, idempotency_key="k5").json()["id"])

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(create, range(50)))) == 1


def test_a_key_has_at_most_255_characters(shop: Shop) -> None:
    assert call(shop, "POST", "/v1/customers", {}, idempotency_key="x" * 256).status_code == 400


@pytest.mark.parametrize(
    "body", [b"name=\xff\xfe", b"metadata" + b"[a]" * 3000 + b"=1", b"=1", b"balance=" + b"9" * 40]
)
def test_a_body_that_makes_no_sense_is_a_bad_request(shop: Shop, body: bytes) -> None:
    headers = {"authorization": "Bearer sk_test_shop", "content-type": "application/x-www-form-urlencoded"}
    assert httpx.post(f"{shop.server.url}/v1/customers", content=body, headers=headers).status_code == 400


@pytest.mark.parametrize("query", ["created>'x'", "created>abc", "email:'a'&page=x", "email:'a'&limit=1000"])
def test_a_search_that_makes_no_sense_is_a_bad_request(shop: Shop, query: str) -> None:
    assert call(shop, "GET", f"/v1/customers/search?query={query}").status_code == 400


def test_a_filter_that_is_not_emulated_is_not_ignored(shop: Shop) -> None:
    for path in ("/v1/invoices?due_date[gt]=1", "/v1/subscriptions?automatic_tax[enabled]=true"):
        assert call(shop, "GET", path).json()["error"]["code"] == "local_stripe_not_emulated"


def test_only_reading_and_writing_methods_are_known(shop: Shop) -> None:
    assert call(shop, "HEAD", "/v1/customers").status_code == 200
    assert call(shop, "OPTIONS", "/v1/customers").json()["error"]["type"] == "invalid_request_error"


def test_stripes_command_line_tool_may_name_card_as_it_used_to(shop: Shop) -> None:
    given = {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}
    assert call(shop, "POST", "/v1/payment_intents", given).status_code == 200
    pinned = call(shop, "POST", "/v1/payment_intents", given, stripe_version="2026-10-28.endive")
    assert pinned.json()["error"]["code"] == "parameter_unknown"


def test_metadata_keys_may_be_numbers(shop: Shop) -> None:
    customer = shop.v1.customers.create({"metadata": {"2026": "a", "7": "b"}})
    assert customer.metadata.to_dict() == {"2026": "a", "7": "b"}


def test_four_levels_are_expanded_and_no_more(shop: Shop) -> None:
    subscription = shop.customer().subscribe(shop.basic, expand=["latest_invoice.payments.data.payment"])
    assert subscription.latest_invoice.payments.data[0].payment.type == "payment_intent"
    too_deep: Any = {"expand": ["latest_invoice.payments.data.payment.payment_intent"]}
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        shop.v1.subscriptions.retrieve(subscription.id, too_deep)
