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


@pytest.mark.parametrize(
    ("path", "data", "code", "param"),
    [
        ("/v1/customers", {"emial": "a@b.co"}, "parameter_unknown", "emial"),
        ("/v1/customers", {"address[town]": "Ulm"}, "parameter_unknown", "address[town]"),
        ("/v1/prices", {"unit_amount": "1"}, "parameter_missing", "currency"),
        ("/v1/customers", {"balance": "many"}, "parameter_invalid_integer", "balance"),
        ("/v1/customers", {"tax_exempt": "perhaps"}, None, "tax_exempt"),
        ("/v1/customers", {"cash_balance[settings][reconciliation_mode]": "manual"}, "local_stripe_not_emulated", None),
        ("/v1/prices", {"unit_amount": "1", "currency": ""}, "parameter_invalid_empty", "currency"),
        ("/v1/customers", {"balance": ""}, "parameter_invalid_empty", "balance"),
        ("/v1/prices", {"currency": "usd", "active": "perhaps"}, None, "active"),
        ("/v1/subscriptions", {"items": "price_1"}, None, "items"),
        ("/v1/customers", {"address": "Ulm"}, None, "address"),
        ("/v1/customers", {"name[first]": "A"}, None, "name"),
        ("/v1/subscriptions", {"customer": "cus_none"}, "resource_missing", "customer"),
    ],
)
def test_parameters_are_strict(shop: Shop, path: str, data: Any, code: str | None, param: str | None) -> None:
    error = call(shop, "POST", path, data).json()["error"]
    assert error.get("code") == code
    assert param is None or error["param"] == param


def test_unknown_parameters_are_named_with_what_may_be_meant(shop: Shop) -> None:
    def message(data: Any) -> str:
        return str(call(shop, "POST", "/v1/customers", data).json()["error"]["message"])

    assert message({"emial": "a"}) == "Received unknown parameter: emial. Did you mean email?"
    assert message({"address[citty]": "a"}) == "Received unknown parameter: address[citty]. Did you mean address[city]?"
    assert message({"foo": "a", "bar": "b"}) == "Received unknown parameters: foo, bar"


def test_an_error_tells_where_to_look(shop: Shop) -> None:
    answer = call(shop, "GET", "/v1/customers/cus_none")
    assert answer.json()["error"] == {
        "code": "resource_missing",
        "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
        "message": "No such customer: 'cus_none'",
        "param": "id",
        "request_log_url": f"{shop.server.url}/dashboard/logs/{answer.headers['request-id']}",
        "type": "invalid_request_error",
    }
    assert answer.headers["stripe-should-retry"] == "false"


def test_what_the_path_names_is_not_found_and_what_a_parameter_names_is_a_bad_request(shop: Shop) -> None:
    assert call(shop, "POST", "/v1/customers/cus_none", {"name": "A"}).status_code == 404
    assert call(shop, "POST", "/v1/subscriptions", {"customer": "cus_none"}).status_code == 400


def test_a_json_body_is_refused(shop: Shop) -> None:
    headers = {"authorization": "Bearer sk_test_shop"}
    answer = httpx.post(f"{shop.server.url}/v1/customers", json={"name": "A"}, headers=headers)
    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in answer.json()["error"]["message"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_method_that_stripe_does_not_know_is_an_unknown_address(shop: Shop, method: str) -> None:
    answer = call(shop, method, "/v1/customers")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(f"Unrecognized request URL ({method}: /v1/customers).")


@pytest.mark.parametrize(
    ("query", "param", "message"),
    [
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=101", "limit", "less than or equal to 100"),
        ("limit=ten", "limit", "Invalid integer: ten"),
        ("starting_after=a&ending_before=b", "ending_before", "only specify one of these parameters"),
        ("starting_after=cus_none", "starting_after", "No such customer: 'cus_none'"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(shop: Shop, query: str, param: str, message: str) -> None:
    answer = call(shop, "GET", f"/v1/customers?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert message in answer.json()["error"]["message"]


def test_what_is_not_emulated_says_so(shop: Shop) -> None:
    answer = call(shop, "POST", "/v1/quotes", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "local_stripe_not_emulated")


def test_an_unknown_id_is_missing(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        shop.v1.customers.retrieve("cus_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert missing.value.user_message == "No such customer: 'cus_none'"


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
