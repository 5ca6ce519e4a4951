"""What days of the wall clock do: webhooks are given up, endpoints disabled, events forgotten, customers renewed."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.local_stripe.patience import until
from tests.local_stripe.receiver import Receiver
from tests.local_stripe.running import RunningStripe
from tests.local_stripe.shop import DAY, Shop
from tests.local_stripe.test_webhooks import delivered, latest


@pytest.fixture
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A local Stripe whose wall clock may be moved without troubling anybody else."""
    server = RunningStripe(tmp_path_factory.mktemp("lonely"))
    yield Shop(server)
    server.kill()


def wait(shop: Shop, seconds: int) -> None:
    assert shop.server.control("wall_clock", {"advance_seconds": seconds}).status_code == 200


def test_days_of_failure_give_up_and_then_disable_the_endpoint(lonely: Shop, receiver: Receiver) -> None:
    endpoint = lonely.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    receiver.answers = [500] * 1000
    lonely.v1.customers.create({})
    until(lambda: receiver.received, "the first try has failed")
    for _ in range(4):
        wait(lonely, DAY)
    until(lambda: delivered(lonely), "three days are enough")
    event = latest(lonely)
    assert event.pending_webhooks == 1, "given up is not delivered"
    assert [one.id for one in lonely.v1.events.list({"delivery_success": False}).data] == [event.id]
    assert lonely.v1.webhook_endpoints.retrieve(endpoint.id).status == "enabled"
    wait(lonely, 4 * DAY)
    lonely.v1.customers.create({})
    until(lambda: lonely.v1.webhook_endpoints.retrieve(endpoint.id).status == "disabled", "a week is too much")
    lonely.server.kill()
    lonely.server.start_again()
    assert event.id in [one.id for one in lonely.v1.events.list({"delivery_success": False}).data]


def test_an_event_is_kept_for_thirty_days(lonely: Shop) -> None:
    lonely.v1.customers.create({})
    old = latest(lonely).id
    wait(lonely, 31 * DAY)
    lonely.v1.customers.create({})
    assert [one.id for one in lonely.v1.events.list({"limit": 100}).data] == [latest(lonely).id]
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        lonely.v1.events.retrieve(old)


def test_time_on_the_wall_moves_customers_without_a_clock(lonely: Shop) -> None:
    customer = lonely.v1.customers.create({"payment_method": "pm_card_visa"})
    card = lonely.v1.customers.payment_methods.list(customer.id).data[0].id
    made: Any = {"customer": customer.id, "default_payment_method": card, "items": [{"price": lonely.basic}]}
    lonely.v1.subscriptions.create(made)
    wait(lonely, 31 * DAY + 7200)
    until(lambda: len(paid(lonely, customer.id)) == 2, "a month has passed")


def paid(shop: Shop, customer: str) -> list[stripe.Invoice]:
    return shop.v1.invoices.list({"customer": customer, "status": "paid"}).data
