"""The walker finds what is wrong; that nothing is wrong is checked when all stories are told (see conftest)."""

from copy import deepcopy
from typing import Any

import pytest

from tests.local_stripe.shapes import complaints
from tests.local_stripe.shop import Shop


def faults(obj: dict[str, Any]) -> list[str]:
    return complaints({"objects": [{"from": "test", "object": obj}], "requests": []})


def test_a_right_object_is_not_complained_about(running_stripe: Any, shop: Shop) -> None:
    assert complaints(running_stripe.control("recorded").json()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("plan_name",), "x"),
        (("status",), "alive"),
        (("created",), "today"),
        (("billing_mode", "type"), None),
        (("items", "data", 0, "price", "unit_amount"), "1000"),
        (("cancellation_details", "why"), None),
        (("status_details",), None),
    ],
)
def test_a_wrong_field_is_named(shop: Shop, path: tuple[Any, ...], value: Any) -> None:
    shop.customer().subscribe(shop.basic)
    recorded = shop.server.control("recorded").json()
    created = "POST /v1/subscriptions"
    found = next(
        one["object"] for one in recorded["objects"] if one["from"] == created and "error" not in one["object"]
    )
    broken = deepcopy(found)
    *way, last = path
    inner = broken
    for step in way:
        inner = inner[step]
    inner[last] = value
    (fault,) = faults(broken)
    assert str(last) in fault


@pytest.mark.parametrize("field", ["currency", "nickname"])
def test_a_missing_field_is_named_although_it_may_be_null(shop: Shop, field: str) -> None:
    price = shop.v1.prices.retrieve(shop.basic)
    recorded = shop.server.control("recorded").json()
    found = next(one["object"] for one in recorded["objects"] if one["object"].get("id") == price.id)
    del found[field]
    assert faults(found) == [f"price.{field}: missing (from test)"]


def test_a_wrong_request_is_named() -> None:
    name = "stripe.params._customer_create_params.CustomerCreateParams"
    requests = [{"operation": "POST", "params_type": name, "params": {"emial": "x", "balance": "many"}}]
    assert len(complaints({"objects": [], "requests": requests})) == 2
