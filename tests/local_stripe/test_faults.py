"""Stripe misbehaves on purpose, as often and for whom a developer wants, and the same way every time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.local_stripe.patience import until
from tests.local_stripe.shop import Shop
from tests.local_stripe.test_protocol import call


@pytest.fixture(autouse=True)
def calm_afterwards(shop: Shop) -> Iterator[None]:
    yield
    httpx.delete(f"{shop.server.url}/_local/faults")


def fault(shop: Shop, kind: str, **given: Any) -> str:
    answer = shop.server.control("faults", {"fault": kind, **given})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def statuses(shop: Shop, count: int, path: str = "/v1/customers?limit=1") -> list[int]:
    return [call(shop, "GET", path).status_code for _ in range(count)]


def named(shop: Shop, name: str) -> int:
    return len(shop.v1.customers.search({"query": f"name:'{name}'"}).data)


@pytest.mark.parametrize(
    ("kind", "status", "code", "retry"),
    [
        ("rate_limit", 429, "rate_limit", "false"),
        ("lock_timeout", 429, "lock_timeout", "true"),
        ("conflict", 409, "idempotency_key_in_use", "true"),
        ("unavailable", 503, None, None),
        ("error_before", 500, None, None),
    ],
)
def test_a_call_is_answered_with_the_error(
    shop: Shop, kind: str, status: int, code: str | None, retry: str | None
) -> None:
    rule = fault(shop, kind, count=1)
    answer = call(shop, "GET", "/v1/customers")
    assert (answer.status_code, answer.json()["error"].get("code")) == (status, code)
    assert answer.headers.get("stripe-should-retry") == retry
    assert answer.headers["local-stripe-fault"] == f"{rule} {kind}"
    assert statuses(shop, 1) == [200]


def test_a_rate_limit_says_when_to_come_back(shop: Shop) -> None:
    fault(shop, "rate_limit", count=1, retry_after=7)
    answer = call(shop, "GET", "/v1/customers")
    assert (answer.headers["retry-after"], answer.headers["stripe-rate-limited-reason"]) == ("7", "endpoint-rate")


def test_a_connection_is_lost_before_and_after_the_deed(shop: Shop) -> None:
    for kind, made in (("reset_before", 0), ("reset_after", 1)):
        fault(shop, kind, count=1, method="POST")
        with pytest.raises(httpx.TransportError):
            call(shop, "POST", "/v1/customers", {"name": f"Lost {kind}"}, idempotency_key=f"lost-{kind}")
        assert named(shop, f"Lost {kind}") == made
        again = call(shop, "POST", "/v1/customers", {"name": f"Lost {kind}"}, idempotency_key=f"lost-{kind}")
        assert again.headers.get("idempotent-replayed") == ("true" if made else None)
        assert named(shop, f"Lost {kind}") == 1


def test_a_slow_call_keeps_its_key_busy(shop: Shop) -> None:
    rule = fault(shop, "slow", count=1, milliseconds=1500)

    def create() -> httpx.Response:
        return call(shop, "POST", "/v1/customers", {"name": "Slow"}, idempotency_key="slow")

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(create)
        until(lambda: rules(shop)[rule]["hits"] == 1, "the slow call has begun")
        busy = create()
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "idempotency_key_in_use")
        assert first.result().status_code == 200
    assert create().json()["id"] == first.result().json()["id"]


def rules(shop: Shop) -> dict[str, Any]:
    return {one["id"]: one for one in shop.server.control("faults").json()["faults"]}


@pytest.mark.parametrize(
    ("selector", "struck"),
    [
        ({"method": "POST"}, ("POST", "/v1/customers", {})),
        ({"path": "/v1/prices"}, ("GET", "/v1/prices?limit=1", {})),
        ({"api_key": "sk_test_other"}, ("GET", "/v1/customers", {"authorization": "Bearer sk_test_other"})),
        ({"idempotency_key": "pay-"}, ("POST", "/v1/customers", {"idempotency_key": "pay-12"})),
    ],
)
def test_a_rule_chooses_its_calls(shop: Shop, selector: dict[str, str], struck: tuple[str, str, Any]) -> None:
    fault(shop, "unavailable", **selector)
    method, path, headers = struck
    assert call(shop, method, path, None, **headers).status_code == 503
    assert statuses(shop, 1) == [200]


def test_a_rule_ends_by_count_by_time_and_by_hand(shop: Shop) -> None:
    fault(shop, "unavailable", count=2)
    assert statuses(shop, 3) == [503, 503, 200]
    fault(shop, "unavailable", seconds=0.3)
    assert statuses(shop, 1) == [503]
    until(lambda: statuses(shop, 1) == [200], "the time is over")
    stays = fault(shop, "unavailable")
    assert statuses(shop, 2) == [503, 503]
    assert httpx.delete(f"{shop.server.url}/_local/faults/{stays}").status_code == 200
    assert statuses(shop, 1) == [200]
    assert httpx.delete(f"{shop.server.url}/_local/faults/{stays}").status_code == 404


def test_the_same_seed_brings_the_same_faults(shop: Shop) -> None:
    runs = []
    for seed in (7, 7, 8):
        rule = fault(shop, "unavailable", probability=0.5, seed=seed)
        runs.append(statuses(shop, 30))
        httpx.delete(f"{shop.server.url}/_local/faults/{rule}")
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 503}


def test_several_rules_hold_at_once(shop: Shop) -> None:
    fault(shop, "slow", milliseconds=200, path="/v1/prices")
    fault(shop, "rate_limit", path="/v1/customers")
    began = time.perf_counter()
    assert statuses(shop, 1, "/v1/prices?limit=1") == [200]
    assert time.perf_counter() - began >= 0.2
    assert statuses(shop, 1) == [429]
    assert len(rules(shop)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"fault": "earthquake"},
        {"fault": "slow", "speed": 3},
        {"fault": "slow", "count": "many"},
        {"fault": "slow", "probability": -1},
        {"fault": "slow", "event": "invoice.paid"},
        {"fault": "drop", "path": "/v1/customers"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(shop: Shop, wrong: dict[str, object]) -> None:
    assert shop.server.control("faults", wrong).status_code == 400
    assert rules(shop) == {}
