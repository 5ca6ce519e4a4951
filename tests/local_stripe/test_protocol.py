"""How the API speaks: keys, versions, parameters, errors, idempotency, pages, expansion."""

from typing import Any

import httpx
import pytest
import stripe

from tests.local_stripe.shop import Shop


def call(shop: Shop, method: str, path: str, data: Any = None, **headers: str) -> httpx.Response:
    given = {"authorization": "Bearer sk_test_shop", **{name.replace("_", "-"): one for name, one in headers.items()}}
    return httpx.request(method, shop.server.url + path, data=data, headers=given)


@pytest.mark.parametrize("key", ["sk_live_x", "pk_test_x", "nonsense"])
def test_only_secret_test_keys_are_taken(shop: Shop, key: str) -> None:
    answer = call(shop, "GET", "/v1/customers", authorization=f"Bearer {key}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


def test_basic_authentication_is_taken(shop: Shop) -> None:
    answer = httpx.get(f"{shop.server.url}/v1/customers", auth=("sk_test_shop", ""))
    assert answer.status_code == 200
    assert answer.headers["request-id"].startswith("req_")


def test_another_api_version_is_refused(shop: Shop) -> None:
    answer = call(shop, "GET", "/v1/customers", stripe_version="2024-06-20")
    assert answer.status_code == 400
    assert "2026-10-28.endive" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "data", "code", "param"),
    [
        ("/v1/customers", {"emial": "a@b.co"}, "parameter_unknown", "emial"),
        ("/v1/customers", {"address[town]": "Ulm"}, "parameter_unknown", "address[town]"),
        ("/v1/prices", {"unit_amount": "1"}, "parameter_missing", "currency"),
        ("/v1/customers", {"balance": "many"}, "parameter_invalid_integer", "balance"),
        ("/v1/customers", {"tax_exempt": "perhaps"}, None, "tax_exempt"),
        ("/v1/customers", {"cash_balance[settings][reconciliation_mode]": "manual"}, "local_stripe_not_emulated", None),
        ("/v1/subscriptions", {"customer": "cus_none"}, "resource_missing", "customer"),
    ],
)
def test_parameters_are_strict(shop: Shop, path: str, data: Any, code: str | None, param: str | None) -> None:
    error = call(shop, "POST", path, data).json()["error"]
    assert error.get("code") == code
    assert param is None or error["param"] == param


def test_what_is_not_emulated_says_so(shop: Shop) -> None:
    answer = call(shop, "POST", "/v1/quotes", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "local_stripe_not_emulated")


def test_an_unknown_id_is_missing(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        shop.v1.customers.retrieve("cus_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert missing.value.user_message == "No such customer: 'cus_none'"


def test_a_repeated_request_gets_the_same_answer(shop: Shop) -> None:
    answers = [call(shop, "POST", "/v1/customers", {"email": "a@b.co"}, idempotency_key="k1") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert "idempotent-replayed" not in answers[0].headers
    assert answers[1].headers["idempotent-replayed"] == "true"


def test_a_key_used_for_something_else_is_an_error(shop: Shop) -> None:
    call(shop, "POST", "/v1/customers", {"email": "a@b.co"}, idempotency_key="k2")
    answer = call(shop, "POST", "/v1/customers", {"email": "c@d.co"}, idempotency_key="k2")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")


def test_a_decline_is_replayed_too(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    customer.subscribe(shop.basic)
    path = f"/v1/invoices/{customer.latest_invoice().id}/pay"
    answers = [call(shop, "POST", path, idempotency_key=f"pay-{customer.id}") for _ in range(2)]
    assert [one.status_code for one in answers] == [402, 402]
    assert customer.latest_invoice().attempt_count == 2


def test_a_refused_parameter_does_not_use_up_the_key(shop: Shop) -> None:
    assert call(shop, "POST", "/v1/customers", {"emial": "x"}, idempotency_key="k3").status_code == 400
    assert call(shop, "POST", "/v1/customers", {"email": "a@b.co"}, idempotency_key="k3").status_code == 200


@pytest.mark.parametrize("trouble", [500, "spoiled"])
def test_a_500_is_replayed_too(shop: Shop, trouble: int | str) -> None:
    name = f"Nobody {trouble}"
    shop.server.control("outage", {"status": trouble, "count": 1, "method": "POST", "path": "/v1/customers"})
    answers = [call(shop, "POST", "/v1/customers", {"name": name}, idempotency_key=f"k4-{trouble}") for _ in range(2)]
    assert [(one.status_code, one.headers.get("idempotent-replayed")) for one in answers] == [
        (500, None),
        (500, "true"),
    ]
    assert answers[0].json()["error"]["type"] == "api_error"
    assert call(shop, "POST", "/v1/customers", {"name": name}, idempotency_key=f"k5-{trouble}").status_code == 200
    made = shop.v1.customers.search({"query": f"name:'{name}'"}).data
    assert len(made) == (2 if trouble == "spoiled" else 1)


@pytest.mark.parametrize("trouble", [503, 429, 409])
def test_an_answer_from_before_the_endpoint_is_not_kept(shop: Shop, trouble: int) -> None:
    shop.server.control("outage", {"status": trouble, "count": 1})
    answers = [call(shop, "POST", "/v1/customers", {}, idempotency_key=f"k6-{trouble}") for _ in range(2)]
    assert [one.status_code for one in answers] == [trouble, 200]


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


def test_what_cannot_be_expanded_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        shop.v1.customers.create({"expand": ["email_address"]})


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


def test_search_by_metadata(shop: Shop) -> None:
    customer = shop.customer()
    found = customer.subscribe(shop.basic, metadata={"operation_id": f"op-{customer.id}"})
    query = f"metadata['operation_id']:'op-{customer.id}' AND status:'active'"
    assert [one.id for one in shop.v1.subscriptions.search({"query": query}).data] == [found.id]


def test_an_outage_comes_and_goes(shop: Shop) -> None:
    shop.server.control("outage", {"status": 500, "count": 1})
    with pytest.raises(stripe.APIError):
        shop.v1.customers.list()
    assert shop.v1.customers.list().object == "list"
    shop.server.control("outage", {"status": "reset", "count": 1})
    with pytest.raises(stripe.APIConnectionError):
        shop.v1.customers.list()
