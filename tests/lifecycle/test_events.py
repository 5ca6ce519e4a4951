from typing import Any

import pytest

from lifecycle.events import HANDLED_EVENT_TYPES, is_worth_waking


def subscription_updated(previous: dict[str, Any] | None, **now: Any) -> dict[str, Any]:
    """``customer.subscription.updated`` as Stripe sends it, as far as it matters here."""
    thing = {"object": "subscription", "items": items(), **now}
    data = {"object": thing} | ({} if previous is None else {"previous_attributes": previous})
    return {"type": "customer.subscription.updated", "data": data}


def items(price: str = "price_basic", quantity: int = 1, period_end: int = 200) -> dict[str, Any]:
    return {"data": [{"price": {"id": price}, "quantity": quantity, "current_period_end": period_end}]}


@pytest.mark.parametrize(
    "event",
    [
        subscription_updated({"items": items(period_end=100), "latest_invoice": "in_1"}),
        subscription_updated({"items": items(period_end=100)}),
        {"type": "invoice.finalized", "data": {"object": {}}},
        {"type": "invoice.created", "data": {"object": {}}},
        {"type": "coupon.created", "data": {"object": {}}},
    ],
)
def test_what_another_event_will_settle_wakes_nobody(event: dict[str, Any]) -> None:
    assert not is_worth_waking(event)


@pytest.mark.parametrize(
    "event",
    [
        subscription_updated({"items": items(price="price_pro")}),
        subscription_updated({"items": items(quantity=2)}),
        subscription_updated({"items": items(period_end=100), "cancel_at_period_end": False}),
        subscription_updated({"items": items(period_end=100), "status": "trialing"}),
        subscription_updated({"status": "past_due"}),
        subscription_updated({"cancel_at": None}),
        subscription_updated({"latest_invoice": "in_1"}),
        subscription_updated({"trial_end": 100}),
        subscription_updated({"default_payment_method": None}),
        subscription_updated({}),
        subscription_updated(None),
        {"type": "invoice.paid", "data": {"object": {}}},
        {"type": "invoice.payment_failed", "data": {"object": {}}},
        {"type": "customer.subscription.deleted", "data": {"object": {}}},
    ],
)
def test_a_change_that_decides_something_wakes(event: dict[str, Any]) -> None:
    assert is_worth_waking(event)


@pytest.mark.parametrize("strange", [{}, {"data": None}, {"data": [{}]}, {"data": [{"price": None}]}, "items", None])
def test_items_that_cannot_be_read_are_looked_at(strange: object) -> None:
    assert is_worth_waking(subscription_updated({"items": items(period_end=100)}, items=strange))
    assert is_worth_waking(subscription_updated({"items": strange}, items=strange))


def test_every_handled_type_but_one_wakes() -> None:
    sleeping = {kind for kind in HANDLED_EVENT_TYPES if not is_worth_waking({"type": kind, "data": {"object": {}}})}
    assert sleeping == {"invoice.finalized"}
