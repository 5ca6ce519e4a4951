"""Webhooks: signed, retried, given up, sent again, and disturbed when a test wants that."""

import hmac
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe

from tests.local_stripe.patience import until
from tests.local_stripe.receiver import Receiver
from tests.local_stripe.shop import Shop
from tests.local_stripe.test_protocol import call


@pytest.fixture
def endpoint(shop: Shop, receiver: Receiver) -> Iterator[stripe.WebhookEndpoint]:
    made = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    yield made
    if made.id in [one.id for one in shop.v1.webhook_endpoints.list().data]:
        shop.v1.webhook_endpoints.delete(made.id)
    httpx.delete(f"{shop.server.url}/_local/faults")


@pytest.fixture
def secret(endpoint: stripe.WebhookEndpoint) -> str:
    return str(endpoint.secret)


def delivered(shop: Shop) -> bool:
    return bool(shop.server.control("idle").json()["idle"])


def attempts(shop: Shop, event: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.server.control(f"webhooks/attempts?event={event}").json()["attempts"]
    return found


def latest(shop: Shop) -> stripe.Event:
    return shop.v1.events.list({"type": "customer.created", "limit": 1}).data[0]


def test_an_event_is_delivered_signed(shop: Shop, receiver: Receiver, secret: str) -> None:
    customer = shop.v1.customers.create({"email": "a@b.co"})
    until(lambda: delivered(shop), "the webhook is delivered")
    (event,) = receiver.events(secret)
    assert (event.type, event.data.object.id, event.pending_webhooks) == ("customer.created", customer.id, 1)
    assert event.api_version == stripe.api_version
    assert shop.v1.events.retrieve(event.id).pending_webhooks == 0


def test_the_secret_is_told_once(shop: Shop, receiver: Receiver, secret: str) -> None:
    assert all("secret" not in one for one in shop.v1.webhook_endpoints.list().data)


def test_a_failed_delivery_comes_again(shop: Shop, receiver: Receiver, secret: str) -> None:
    receiver.answers = [500]
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered at last")
    first, second = receiver.events(secret)
    assert first.id == second.id
    assert [(one["attempt"], one["status"]) for one in attempts(shop, first.id)] == [(1, 500), (2, 200)]


def test_deliveries_come_in_order(shop: Shop, receiver: Receiver, secret: str) -> None:
    ids = [shop.v1.customers.create({}).id for _ in range(20)]
    until(lambda: delivered(shop), "the webhooks are delivered")
    assert [event.data.object.id for event in receiver.events(secret)] == ids


def test_an_endpoint_gets_only_what_it_asked_for(shop: Shop, receiver: Receiver, endpoint: Any) -> None:
    customer = shop.v1.customers.create({})
    shop.v1.customers.update(customer.id, {"name": "A"})
    shop.v1.webhook_endpoints.update(endpoint.id, {"enabled_events": ["*"], "description": "all"})
    shop.v1.customers.update(customer.id, {"name": "B"})
    until(lambda: delivered(shop), "the webhooks are delivered")
    assert [one.type for one in receiver.events(endpoint.secret)] == ["customer.created", "customer.updated"]


def test_a_disabled_endpoint_hears_nothing(shop: Shop, receiver: Receiver, endpoint: Any) -> None:
    assert shop.v1.webhook_endpoints.update(endpoint.id, {"disabled": True}).status == "disabled"
    shop.v1.customers.create({})
    assert latest(shop).pending_webhooks == 0
    assert shop.v1.webhook_endpoints.update(endpoint.id, {"disabled": False}).status == "enabled"
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    assert len(receiver.received) == 1


def test_nothing_waits_for_an_endpoint_that_is_gone(shop: Shop, receiver: Receiver, endpoint: Any) -> None:
    receiver.answers = [500] * 100
    shop.v1.customers.create({})
    until(lambda: receiver.received, "the first try has failed")
    shop.v1.webhook_endpoints.delete(endpoint.id)
    until(lambda: delivered(shop), "nothing is left to deliver")
    assert latest(shop).pending_webhooks == 0


def test_doubled_dropped_and_reordered(shop: Shop, receiver: Receiver, secret: str) -> None:
    shop.server.control("webhooks/chaos", {"seed": 7, "double": 0.3, "reorder": 0.3, "drop": 0.3})
    ids = [shop.v1.customers.create({}).id for _ in range(40)]
    until(lambda: delivered(shop), "all that is delivered is delivered")
    came = [event.data.object.id for event in receiver.events(secret)]
    assert set(came) < set(ids)
    assert len(came) > len(set(came))
    assert [id for id in ids if id in came] != list(dict.fromkeys(came))
    assert len(shop.v1.events.list({"type": "customer.created", "limit": 40}).data) == 40


def test_a_dropped_one_is_listed_as_not_delivered_and_can_be_sent_again(
    shop: Shop, receiver: Receiver, endpoint: Any
) -> None:
    shop.server.control("faults", {"fault": "drop", "count": 1, "event": "customer."})
    shop.v1.customers.create({})
    event = latest(shop)
    assert event.pending_webhooks == 1
    assert event.id in [one.id for one in shop.v1.events.list({"delivery_success": False}).data]
    assert [one["error"] for one in attempts(shop, event.id)] == ["dropped on purpose"]
    sent = call(shop, "POST", f"/v1/events/{event.id}/retry", {"webhook_endpoint": endpoint.id})
    assert (sent.status_code, sent.json()["id"]) == (200, event.id)
    until(lambda: receiver.received, "it is delivered after all")
    until(lambda: latest(shop).pending_webhooks == 0, "it counts as delivered")
    assert event.id in [one.id for one in shop.v1.events.list({"delivery_success": True}).data]


def test_what_was_dropped_for_an_endpoint_is_forgotten_with_it(shop: Shop, receiver: Receiver, endpoint: Any) -> None:
    shop.server.control("faults", {"fault": "drop", "count": 1})
    shop.v1.customers.create({})
    assert latest(shop).pending_webhooks == 1
    shop.v1.webhook_endpoints.delete(endpoint.id)
    assert latest(shop).pending_webhooks == 0


def test_an_event_is_sent_again_as_often_as_one_likes(shop: Shop, receiver: Receiver, secret: str) -> None:
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    for _ in range(2):
        assert shop.server.control(f"events/{latest(shop).id}/resend", {}).status_code == 200
        until(lambda: delivered(shop), "it is delivered again")
    assert len({one.id for one in receiver.events(secret)}) == 1
    assert len(receiver.received) == 3


def test_sending_again_to_stripe_listen_is_refused(shop: Shop) -> None:
    refused = call(shop, "POST", f"/v1/events/{latest(shop).id}/retry", {"for_stripecli": "true"})
    assert refused.json()["error"]["code"] == "local_stripe_not_emulated"


def test_a_bad_signature_is_followed_by_a_good_one(shop: Shop, receiver: Receiver, secret: str) -> None:
    shop.server.control("faults", {"fault": "bad_signature", "count": 1})
    receiver.answers = [400]
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    (bad, signed), (good, well_signed) = receiver.received
    with pytest.raises(stripe.SignatureVerificationError, match="No signatures found"):
        stripe.Webhook.construct_event(bad, signed, secret)
    assert stripe.Webhook.construct_event(good, well_signed, secret).id == latest(shop).id


def test_a_stale_one_is_beyond_the_tolerance(shop: Shop, receiver: Receiver, secret: str) -> None:
    shop.server.control("faults", {"fault": "stale", "count": 1})
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    ((body, signed),) = receiver.received
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        stripe.Webhook.construct_event(body, signed, secret)


def test_one_of_another_version_says_so(shop: Shop, receiver: Receiver, secret: str) -> None:
    shop.server.control("faults", {"fault": "other_version", "count": 1})
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    assert receiver.events(secret)[0].api_version == "2024-06-20"


def test_a_delayed_one_comes_later(shop: Shop, receiver: Receiver, secret: str) -> None:
    shop.server.control("faults", {"fault": "delay", "count": 1, "milliseconds": 400})
    began = time.time()
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    assert attempts(shop, latest(shop).id)[0]["at"] - began >= 0.4


def test_both_secrets_sign_while_one_is_rolled(shop: Shop, receiver: Receiver, endpoint: Any) -> None:
    rolled = shop.server.control(f"webhook_endpoints/{endpoint.id}/roll_secret", {"expires_in_seconds": 3600}).json()
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    assert rolled["secret"] != endpoint.secret
    assert [receiver.events(one)[0].type for one in (endpoint.secret, rolled["secret"])] == ["customer.created"] * 2
    at_once = shop.server.control(f"webhook_endpoints/{endpoint.id}/roll_secret", {}).json()["secret"]
    receiver.received.clear()
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    assert receiver.events(at_once)
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.events(rolled["secret"])


def test_the_signature_is_stripes(shop: Shop, receiver: Receiver, secret: str) -> None:
    shop.v1.customers.create({})
    until(lambda: delivered(shop), "the webhook is delivered")
    ((body, header),) = receiver.received
    parts = dict(part.split("=") for part in header.split(","))
    expected = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, "sha256").hexdigest()
    assert parts["v1"] == expected
    assert parts["v0"] != expected


def test_events_are_filtered_by_type_and_time(shop: Shop) -> None:
    shop.v1.customers.create({})
    shop.v1.products.create({"name": "Filtered"})
    newest = shop.v1.events.list({"limit": 1}).data[0]
    some = shop.v1.events.list({"types": ["customer.created", "product.created"], "limit": 50}).data
    assert {one.type for one in some} == {"customer.created", "product.created"}
    assert {one.type for one in shop.v1.events.list({"type": "product.*"}).data} == {"product.created"}
    later = shop.v1.events.list({"created": {"gt": newest.created}, "type": "customer.created"}).data
    assert all(one.created > newest.created for one in later)
    both = call(shop, "GET", "/v1/events?type=a&types[]=b")
    assert both.status_code == 400
    assert call(shop, "GET", "/v1/events?starting_after=evt_none").json()["error"]["code"] == "resource_missing"
