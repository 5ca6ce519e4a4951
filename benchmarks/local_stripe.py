"""The local Stripe: the median call, and a thousand customers who live for a year.

``python -m benchmarks.local_stripe [--customers N] [--calls N]``
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import stripe

from benchmarks.figures import Meter, describe_machine, memory_mb, show
from benchmarks.stage import pid_of
from local.programs import LocalStripe
from local.waiting import until

A_CLOCK_HOLDS = 3
AT_ONCE = 8
STRIDES = [59, 118, 177, 236, 295, 354, 366]
"""Days; a clock moves by two months at most at a time."""


class Shop:
    """One client, one monthly price."""

    def __init__(self, url: str) -> None:
        connections = stripe.HTTPXClient(timeout=60)
        client = stripe.StripeClient("sk_test_benchmark", base_addresses={"api": url}, http_client=connections)
        self.api = client.v1
        self.price = ""

    async def open(self) -> None:
        product = await self.api.products.create_async({"name": "Basic"})
        monthly: Any = {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 1000,
            "recurring": {"interval": "month"},
        }
        self.price = (await self.api.prices.create_async(monthly)).id

    async def customer(self, **more: Any) -> stripe.Customer:
        """With a card that pays."""
        paying = {"payment_method": "pm_card_visa"} | more
        customer = await self.api.customers.create_async(paying)  # type: ignore[arg-type]
        card = (await self.api.customers.payment_methods.list_async(customer.id)).data[0]
        default: Any = {"invoice_settings": {"default_payment_method": card.id}}
        return await self.api.customers.update_async(customer.id, default)

    async def subscribe(self, customer: str) -> stripe.Subscription:
        return await self.api.subscriptions.create_async({"customer": customer, "items": [{"price": self.price}]})


async def calls(shop: Shop, count: int) -> list[list[str]]:
    """Each call alone, one after the other; the client's own work is part of it."""
    people = [await shop.customer() for _ in range(count)]
    subscribed: list[stripe.Subscription] = []

    async def subscribe(person: stripe.Customer) -> None:
        subscribed.append(await shop.subscribe(person.id))

    measured: dict[str, tuple[Callable[[Any], Awaitable[object]], Iterable[Any]]] = {
        "create customer": (lambda number: shop.api.customers.create_async({"name": f"N {number}"}), range(count)),
        "create subscription": (subscribe, people),
        "retrieve subscription": (lambda one: shop.api.subscriptions.retrieve_async(one.id), subscribed),
    }
    return [[name, *await _timed(call, things)] for name, (call, things) in measured.items()]


async def _timed(call: Callable[[Any], Awaitable[object]], things: Iterable[Any]) -> list[str]:
    times = []
    for thing in things:
        began = time.perf_counter()
        await call(thing)
        times.append((time.perf_counter() - began) * 1000)
    return [f"{median(times):.1f}", f"{sorted(times)[int(len(times) * 0.99)]:.1f}"]


async def live_a_year(shop: Shop, customers: int) -> None:
    """Three customers to a clock, some clocks at the same time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def together(count: int) -> None:
        async with gate:
            clock = await shop.api.test_helpers.test_clocks.create_async({"frozen_time": int(time.time())})
            for _ in range(count):
                await shop.subscribe((await shop.customer(test_clock=clock.id)).id)
            for days in STRIDES:
                await _advance(shop, clock.id, clock.frozen_time + days * 86_400)

    full, rest = divmod(customers, A_CLOCK_HOLDS)
    await asyncio.gather(*(together(count) for count in [A_CLOCK_HOLDS] * full + [rest] * bool(rest)))


async def _advance(shop: Shop, clock: str, moment: int) -> None:
    clocks = shop.api.test_helpers.test_clocks
    await clocks.advance_async(clock, {"frozen_time": moment})

    async def is_ready() -> bool:
        return (await clocks.retrieve_async(clock)).status == "ready"

    await until(is_ready, within=60, what="a clock is still advancing")


async def run(options: argparse.Namespace) -> None:
    describe_machine()
    with tempfile.TemporaryDirectory(prefix="perennial-benchmark-") as folder:
        server = LocalStripe(Path(folder) / "state", log=Path(folder) / "stripe.log")
        server.pid_file = Path(folder) / "stripe.pid"
        async with server:
            shop = Shop(server.url)
            await shop.open()
            show("Calls one after the other", ["", "median ms", "p99 ms"], await calls(shop, options.calls))
            meter, began = Meter({"stripe": pid_of(server)}), time.perf_counter()
            await live_a_year(shop, options.customers)
            took, used = time.perf_counter() - began, meter.used()["stripe"]
            paid = (await shop.api.invoices.list_async({"status": "paid", "limit": 1})).data
            assert paid, "nobody paid"
            row = [str(options.customers), f"{took:.1f}", f"{used:.1f}", f"{memory_mb(pid_of(server)):.0f}"]
            show("A year of monthly renewals", ["customers", "seconds", "CPU seconds", "MB at the end"], [row])
    describe_machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=200)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
