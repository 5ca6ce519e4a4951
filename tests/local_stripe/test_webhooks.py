"""Webhooks: signed, retried, and disturbed when a test wants that."""

from collections.abc import Iterator

import pytest

from tests.local_stripe.patience import until
from tests.local_stripe.receiver import Receiver
from tests.local_stripe.shop import Shop


@pytest.fixture
def secret(shop: Shop, receiver: Receiver) -> Iterator[str]:
    endpoint = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    yield str(endpoint.secret)
    shop.v1.webhook_endpoints.delete(endpoint.id)
    shop.server.control("webhooks/chaos", {})


def delivered(shop: Shop) -> bool:
    return bool(shop.server.control("idle").json()["idle"])


def test_an_event_is_delivered_signed(shop: Shop, receiver: Receiver, secret: str) -> None:
    customer = shop.v1.customers.create({"email": "a@b.co"})
    until(lambda: delivered(shop), "the webhook is delivered")
    (event,) = receiver.events(secret)
    assert (event.type, event.data.object.id, event.pending_webhooks) == ("customer.created", customer.id, 1)
    assert shop.v1.events.retrieve(event.id).pending_webhooks == 0


def test_the_secret_is_told_once(shop: Shop, receiver: Receiver, secret: str) -> None:
    assert all("secret" not in one for one in shop.v1.webhook_endpoints.list().data)


def test_a_failed_delivery_comes_again(shop: Shop, receiver: Receiver, secret: str) -> None:
    receiver.answers = [500]
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered at last")
    first, second = receiver.events(secret)
    assert first.id == second.id
    attempts = [one for one in shop.server.control("webhooks/attempts").json()["attempts"] if one["event"] == first.id]
    assert [(one["attempt"], one["status"]) for one in attempts] == [(1, 500), (2, 200)]


def test_deliveries_come_in_order(shop: Shop, receiver: Receiver, secret: str) -> None:
    ids = [shop.v1.customers.create({}).id for _ in range(20)]
    until(lambda: delivered(shop), "the webhooks are delivered")
    assert [event.data.object.id for event in receiver.events(secret)] == ids


def test_doubled_dropped_and_reordered(shop: Shop, receiver: Receiver, secret: str) -> None:
    shop.server.control("webhooks/chaos", {"seed": 7, "double": 0.3, "reorder": 0.3, "drop": 0.3})
    ids = [shop.v1.customers.create({}).id for _ in range(40)]
    until(lambda: delivered(shop), "all that is delivered is delivered")
    came = [event.data.object.id for event in receiver.events(secret)]
    assert set(came) < set(ids)
    assert len(came) > len(set(came))
    assert [id for id in ids if id in came] != list(dict.fromkeys(came))
    assert len(shop.v1.events.list({"type": "customer.created", "limit": 40}).data) == 40
