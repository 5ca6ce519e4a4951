"""Events as Stripe sends them: taken from a local Stripe where a customer subscribed and lived for some months."""

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import stripe

from benchmarks.load import request
from lifecycle.events import HANDLED_EVENT_TYPES
from local.programs import LocalStripe
from tests.api.signing import signature

MONTHS = 3
OWNER = "owner-of-benchmark"
_HEADERS = {"Content-Type": "application/json"}


async def lived_through(folder: Path) -> list[dict[str, Any]]:
    """The handled events of one customer's first months."""
    async with LocalStripe(folder / "stripe", log=folder / "stripe.log") as server:
        client = stripe.StripeClient("sk_test_benchmark", base_addresses={"api": server.url})
        await asyncio.to_thread(_live, client)
        listed = client.v1.events.list({"limit": 100}).data
    events = [event.to_dict() for event in reversed(listed)]
    return [event for event in events if event["type"] in HANDLED_EVENT_TYPES]


def deliveries(path: str, events: Sequence[dict[str, Any]], count: int, secret: str) -> list[bytes]:
    """So many signed requests, each with an event of its own, in the order in which they happened again and again."""
    run, numbers = secrets.token_hex(4), itertools.count()
    texts = [json.dumps(event | {"id": "EVENT_ID"}, indent=2, default=str) for event in events]
    endless: Iterator[str] = itertools.cycle(texts)
    bodies = (text.replace("EVENT_ID", f"evt_{run}{next(numbers):012}").encode() for text in endless)
    now = time.time()
    return [
        request("POST", path, _HEADERS | {"Stripe-Signature": signature(body, secret, now)}, body)
        for body in itertools.islice(bodies, count)
    ]


def _live(client: stripe.StripeClient) -> None:
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": int(time.time())})
    product = client.v1.products.create({"name": "Basic"})
    price = client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 1000, "recurring": {"interval": "month"}}
    )
    customer = client.v1.customers.create({"test_clock": clock.id, "payment_method": "pm_card_visa"})
    card = client.v1.customers.payment_methods.list(customer.id).data[0]
    client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "default_payment_method": card.id,
            "metadata": {"user_id": OWNER},
        }
    )
    for month in range(1, MONTHS + 1):
        _advance(client, clock.id, clock.frozen_time + month * 31 * 86_400)


def _advance(client: stripe.StripeClient, clock: str, moment: int) -> None:
    clocks = client.v1.test_helpers.test_clocks
    clocks.advance(clock, {"frozen_time": moment})
    deadline = time.monotonic() + 30
    while clocks.retrieve(clock).status != "ready":
        if time.monotonic() > deadline:
            raise TimeoutError("the local Stripe's clock is still advancing")
        time.sleep(0.05)
