"""State survives the death of the process."""

import sqlite3
from pathlib import Path

from tests.local_stripe.patience import until
from tests.local_stripe.receiver import Receiver
from tests.local_stripe.running import RunningStripe
from tests.local_stripe.shop import Shop, date


def test_killed_in_the_middle_everything_goes_on(tmp_path: Path, receiver: Receiver) -> None:
    server = RunningStripe(tmp_path)
    try:
        shop = Shop(server)
        customer = shop.customer()
        customer.subscribe(shop.basic)
        endpoint = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
        receiver.answers = [500]
        shop.v1.test_helpers.test_clocks.advance(customer.clock, {"frozen_time": date(2026, 2, 1, 2)})
        server.kill()
        server.start_again()
        until(lambda: server.control("idle").json()["idle"], "the clock has arrived and all is delivered")
        assert customer.latest_invoice().billing_reason == "subscription_cycle"
        assert customer.latest_invoice().status == "paid"
        types = {event.type for event in receiver.events(str(endpoint.secret))}
        assert {"customer.subscription.updated", "invoice.paid", "test_helpers.test_clock.ready"} <= types
        again = {"idempotency_key": "kept"}
        first = shop.v1.customers.create({}, again)
        server.kill()
        server.start_again()
        assert shop.v1.customers.create({}, again).id == first.id
    finally:
        server.kill()


def test_what_an_earlier_version_kept_is_taken_over(tmp_path: Path) -> None:
    server = RunningStripe(tmp_path)
    try:
        shop = Shop(server)
        customer = shop.v1.customers.create({"name": "Old"}, {"idempotency_key": "kept"})
        server.kill()
        with sqlite3.connect(tmp_path / "stripe.sqlite") as database:
            database.execute("alter table events drop column logged")
            database.execute("alter table answers drop column request")
            database.execute("pragma user_version = 2")
        database.close()
        server.start_again()
        assert shop.v1.customers.retrieve(customer.id).name == "Old"
        assert "customer.created" in [event.type for event in shop.v1.events.list().data]
        again = shop.v1.customers.create({"name": "Old"}, {"idempotency_key": "kept"})
        assert again.id != customer.id, "keys were kept in another form"
    finally:
        server.kill()
