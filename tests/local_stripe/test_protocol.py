"""How the API speaks: keys, versions, parameters, errors, idempotency, pages, expansion."""

from typing import Any

import httpx
import pytest
import stripe

from tests.local_stripe.shop import Shop


def call(shop: Shop, method: str, path: str, data: Any = None, **headers: str) -> httpx.Response:
    given = {"authorization": "Bearer sk_test_shop", **{name.replace("_", "-"): one for name, one in headers.items()}}
    return httpx.request(method, shop.server.url + path, data=data, headers=given)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("sk_live_x", "live key"),
        ("rk_live_x", "live key"),
        ("rk_test_x", "Restricted keys are not emulated"),
        ("pk_test_x", "cannot be made with a publishable API key"),
        ("nonsense", "Invalid API Key provided: nonsens"),
        ("", "You did not provide an API key"),
    ],
)
def test_only_secret_test_keys_are_taken(shop: Shop, key: str, why: str) -> None:
    answer = call(shop, "GET", "/v1/customers", authorization=f"Bearer {key}".strip())
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], "request_log_url" in error) == (401, "invalid_request_error", False)
    assert why in error["message"]
    assert answer.headers["www-authenticate"] == 'Basic realm="Stripe"'


def test_basic_authentication_is_taken(shop: Shop) -> None:
    answer = httpx.get(f"{shop.server.url}/v1/customers", auth=("sk_test_shop", ""))
    assert answer.status_code == 200
    assert answer.headers["request-id"].startswith("req_")


def test_another_api_version_is_refused(shop: Shop) -> None:
    answer = call(shop, "GET", "/v1/customers", stripe_version="2024-06-20")
    assert answer.status_code == 400
    assert "2026-10-28.endive" in answer.json()["error"]["message"]


@pytest.mark.parametrize("header", ["stripe_account", "stripe_context"])
def test_connect_is_refused(shop: Shop, header: str) -> None:
    answer = call(shop, "GET", "/v1/customers", **{header: "acct_1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "local_stripe_not_emulated")


def test_pages(shop: Shop) -> None:
    customer = shop.customer(card=None)
    ids = [shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id}).id for _ in range(5)][::-1]
    methods = shop.v1.customers.payment_methods
    first = methods.list(customer.id, {"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (ids[:2], True)
    assert first.url == f"/v1/customers/{customer.id}/payment_methods"
    last = methods.list(customer.id, {"limit": 3, "starting_after": ids[1]})
    assert ([one.id for one in last.data], last.has_more) == (ids[2:], False)
    back = methods.list(customer.id, {"limit": 2, "ending_before": ids[4]})
    assert ([one.id for one in back.data], back.has_more) == (ids[2:4], True)
    assert [one.id for one in methods.list(customer.id, {"limit": 2}).auto_paging_iter()] == ids


def test_metadata_is_merged_and_unset(shop: Shop) -> None:
    customer = shop.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    changed = shop.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    assert shop.v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


@pytest.mark.parametrize(
    "metadata",
    [{f"k{n}": "v" for n in range(51)}, {"k" * 41: "v"}, {"k": "v" * 501}],
    ids=["51 keys", "a name of 41", "a value of 501"],
)
def test_metadata_has_its_limits(shop: Shop, metadata: dict[str, str]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.customers.create({"metadata": metadata})
    fits = {("k" * 38 + f"{n:02}"): "v" * 500 for n in range(50)}
    assert shop.v1.customers.create({"metadata": fits}).metadata.to_dict() == fits


def test_what_cannot_be_expanded_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        shop.v1.customers.create({"expand": ["email_address"]})


def test_a_list_hints_at_its_data(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"try expanding 'data.customer' instead"):
        shop.v1.subscriptions.list({"expand": ["customer"]})


def test_lists_expand_what_they_hold(shop: Shop) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    (found,) = shop.v1.subscriptions.list({"customer": customer.id, "expand": ["data.customer"]}).data
    assert found.customer.id == customer.id


def test_a_lookup_key_moves_to_a_new_price(shop: Shop) -> None:
    old = shop.v1.prices.update(shop.price("Old", 100), {"lookup_key": "moving"})
    new = shop.v1.prices.update(shop.price("New", 200), {"lookup_key": "moving", "transfer_lookup_key": True})
    assert [one.id for one in shop.v1.prices.list({"lookup_keys": ["moving"]}).data] == [new.id]
    assert shop.v1.prices.retrieve(old.id).lookup_key is None


def test_an_outage_comes_and_goes(shop: Shop) -> None:
    shop.server.control("outage", {"status": 500, "count": 1})
    with pytest.raises(stripe.APIError):
        shop.v1.customers.list()
    assert shop.v1.customers.list().object == "list"
    shop.server.control("outage", {"status": "reset", "count": 1})
    with pytest.raises(stripe.APIConnectionError):
        shop.v1.customers.list()
