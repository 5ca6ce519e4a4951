"""An invoice is announced some days before a renewal, when the shop wants that."""

from collections.abc import Iterator

import pytest

from tests.local_stripe.shop import Shop, date


@pytest.fixture
def announcing(shop: Shop) -> Iterator[Shop]:
    shop.retry_settings(upcoming_days=7)
    yield shop
    shop.retry_settings(upcoming_days=0)


def test_once_a_period_and_not_before_an_end(announcing: Shop) -> None:
    customer = announcing.customer(at=date(2026, 1, 1))
    subscription = customer.subscribe(announcing.basic)
    customer.events()
    customer.travel_to(date(2026, 1, 24))
    assert "invoice.upcoming" not in customer.events()
    customer.travel_to(date(2026, 1, 26))
    assert customer.events().count("invoice.upcoming") == 1
    announcing.v1.subscriptions.update(subscription.id, {"metadata": {"a": "b"}})
    customer.travel_to(date(2026, 2, 2))
    assert "invoice.upcoming" not in customer.events()
    announcing.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    customer.travel_to(date(2026, 3, 2))
    assert "invoice.upcoming" not in customer.events()


def test_what_makes_no_sense(shop: Shop) -> None:
    assert shop.server.control("settings", {"upcoming_days": -1}).status_code == 400
