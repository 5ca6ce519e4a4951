"""What is refused is refused as Stripe does it: which status, which code, which parameter, in which words."""

from typing import Any

import httpx
import pytest
import stripe

from tests.local_stripe.shop import Shop
from tests.local_stripe.test_protocol import call


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
        ("/v1/subscriptions", {"customer": ""}, "parameter_invalid_empty", "customer"),
        ("/v1/subscriptions", {"items[0][price]": "price_1"}, "parameter_missing", "customer"),
        ("/v1/payment_intents", {"amount": "500", "currency": "zzz"}, None, "currency"),
        ("/v1/payment_intents", {"amount": "49", "currency": "usd"}, "amount_too_small", "amount"),
        ("/v1/payment_intents", {"amount": "100000000", "currency": "usd"}, "amount_too_large", "amount"),
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


@pytest.mark.parametrize(("card", "field"), [("ExpiredCard", "exp_month"), ("IncorrectCvc", "cvc")])
def test_a_decline_names_the_field_of_the_card(shop: Shop, card: str, field: str) -> None:
    paying: Any = {"amount": 500, "currency": "usd", "payment_method": f"pm_card_chargeDeclined{card}", "confirm": True}
    with pytest.raises(stripe.CardError) as declined:
        shop.v1.payment_intents.create(paying)
    assert declined.value.param == field


def test_one_customer_has_not_two_currencies_at_once(shop: Shop) -> None:
    customer = shop.customer()
    first = customer.subscribe(shop.basic)
    product = shop.v1.prices.retrieve(shop.basic).product
    price: Any = {"product": product, "currency": "eur", "unit_amount": 900, "recurring": {"interval": "month"}}
    in_euros = shop.v1.prices.create(price).id
    with pytest.raises(stripe.InvalidRequestError, match="You cannot combine currencies on a single customer"):
        customer.subscribe(in_euros)
    shop.v1.subscriptions.cancel(first.id)
    assert customer.subscribe(in_euros).currency == "eur"


def test_what_is_not_emulated_says_so(shop: Shop) -> None:
    answer = call(shop, "POST", "/v1/quotes", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "local_stripe_not_emulated")


def test_an_unknown_id_is_missing(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        shop.v1.customers.retrieve("cus_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert missing.value.user_message == "No such customer: 'cus_none'"
