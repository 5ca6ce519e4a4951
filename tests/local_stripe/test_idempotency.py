"""A key is for one request: its first answer is given again for a day, whatever it was."""

from collections.abc import Iterator

import pytest

from tests.local_stripe.running import RunningStripe
from tests.local_stripe.shop import DAY, Shop, date
from tests.local_stripe.test_protocol import call


def test_a_repeated_request_gets_the_same_answer(shop: Shop) -> None:
    answers = [call(shop, "POST", "/v1/customers", {"email": "a@b.co"}, idempotency_key="k1") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert "idempotent-replayed" not in answers[0].headers
    assert answers[1].headers["idempotent-replayed"] == "true"
    first, again = (one.headers for one in answers)
    assert first["original-request"] == first["request-id"] == again["original-request"] != again["request-id"]


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
    assert len(shop.v1.charges.list({"customer": customer.id}).data) == 2, "the first payment, and one try more"
    assert [one.headers["stripe-should-retry"] for one in answers] == ["false", "false"]


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


def test_a_key_used_at_another_address_is_an_error(shop: Shop) -> None:
    call(shop, "POST", "/v1/customers", {"name": "A"}, idempotency_key="k7")
    answer = call(shop, "POST", "/v1/products", {"name": "A"}, idempotency_key="k7")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert "('POST /v1/customers' vs 'POST /v1/products')" in answer.json()["error"]["message"]


def test_a_key_belongs_to_whoever_holds_the_api_key(shop: Shop) -> None:
    first = call(shop, "POST", "/v1/customers", {}, idempotency_key="k8")
    other = call(shop, "POST", "/v1/customers", {}, idempotency_key="k8", authorization="Bearer sk_test_other")
    assert first.json()["id"] != other.json()["id"]


def test_a_key_of_nobody_is_not_used_up(shop: Shop) -> None:
    assert call(shop, "POST", "/v1/customers", {}, idempotency_key="k9", authorization="").status_code == 401
    assert "idempotent-replayed" not in call(shop, "POST", "/v1/customers", {}, idempotency_key="k9").headers


def test_what_is_missing_stays_missing_for_the_key(shop: Shop) -> None:
    answers = [call(shop, "POST", "/v1/customers/cus_none", {}, idempotency_key="k10") for _ in range(2)]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[1].headers["idempotent-replayed"] == "true"


@pytest.fixture
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    server = RunningStripe(tmp_path_factory.mktemp("lonely"))
    yield Shop(server)
    server.kill()


def test_a_key_lives_for_a_day_of_the_wall_clock(lonely: Shop) -> None:
    first = call(lonely, "POST", "/v1/customers", {}, idempotency_key="k").json()["id"]
    lonely.customer().travel_to(date(2026, 3, 1))
    lonely.server.control("wall_clock", {"advance_seconds": DAY - 60})
    assert call(lonely, "POST", "/v1/customers", {}, idempotency_key="k").json()["id"] == first
    lonely.server.kill()
    lonely.server.start_again()
    assert call(lonely, "POST", "/v1/customers", {}, idempotency_key="k").json()["id"] == first
    lonely.server.control("wall_clock", {"advance_seconds": 120})
    assert call(lonely, "POST", "/v1/customers", {}, idempotency_key="k").json()["id"] != first
