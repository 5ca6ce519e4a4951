"""Importing subscriptions that Stripe has already, then comparing them all: ``python -m benchmarks.imports [N]``.

Everything on one machine: the local Stripe, Temporal's dev server and the worker share its cores with the command.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import psycopg
from sqlalchemy import text

from activities.gateway import Stripe, open_stripe
from benchmarks.figures import Meter, describe_machine, show
from benchmarks.town import PROGRAMS, pids, whole_system
from database.session import make_engine
from local import accounts, configuration
from local.stack import Stack
from settings import ROOT

AT_ONCE = 8
_USERS = """
insert into "user" (id, name, email, "emailVerified")
    select 'user_' || n, 'Somebody', n || '@example.org', true from generate_series(1, %s) as n
"""


@dataclass(frozen=True)
class Ended:
    """One command: how long, its peak of memory, and its last words."""

    seconds: float
    peak_mb: float
    said: str


async def sell(stripe_client: Stripe, count: int) -> None:
    """So many customers with a running subscription, while our endpoint is switched off."""
    for endpoint in (await stripe_client.v1.webhook_endpoints.list_async()).data:
        await stripe_client.v1.webhook_endpoints.update_async(endpoint.id, {"disabled": True})
    prices = await stripe_client.v1.prices.list_async({"lookup_keys": ["basic_month"]})
    few = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with few:
            customer = await stripe_client.v1.customers.create_async({"metadata": {"user_id": f"user_{number}"}})
            await stripe_client.v1.subscriptions.create_async(
                {"customer": customer.id, "items": [{"price": prices.data[0].id}], "trial_period_days": 30}
            )

    await asyncio.gather(*map(one, range(1, count + 1)))


def command(stack: Stack, *words: str) -> Ended:
    """As an operator runs it."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *words], cwd=ROOT, env=os.environ | stack.environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    said = process.stdout.read().decode()
    _, _, used = os.wait4(process.pid, 0)
    return Ended(time.monotonic() - began, used.ru_maxrss / 1024, said)


async def run(count: int) -> None:
    describe_machine()
    async with whole_system() as stack:
        settings = configuration.settings(stack.environment)
        engine = make_engine(settings)
        with psycopg.connect(stack.database_of(accounts.OWNER)) as app:
            app.execute(_USERS, (count,))
        async with open_stripe(settings) as stripe_client:
            await sell(stripe_client, count)
        rows = []
        for name, words in (
            ("import, dry run", ["import"]),
            ("import --apply", ["import", "--apply", "--rate", "1000"]),
            ("import --apply, again", ["import", "--apply"]),
            ("reconcile --all", ["reconcile", "--all"]),
        ):
            meter = Meter(pids(stack))
            ended = await asyncio.to_thread(command, stack, *words)
            busy = [f"{seconds:.1f}" for seconds in meter.used().values()]
            rows.append([name, f"{ended.seconds:.1f}", f"{count / ended.seconds:.0f}", f"{ended.peak_mb:.0f}", *busy])
            print(ended.said.strip().splitlines()[-3:], flush=True)
        async with engine.connect() as connection:
            adopted = (await connection.execute(text("select count(*) from billing.subscriptions"))).scalar()
            letters = (await connection.execute(text("select count(*) from billing.notifications"))).scalar()
        await engine.dispose()
    head = ["", "seconds", "a second", "peak MB", *(f"{name} CPU s" for name in PROGRAMS)]
    show(f"{count:,} subscriptions ({adopted:,} adopted, {letters} letters)", head, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int, nargs="?", default=1_500)
    asyncio.run(run(parser.parse_args().count))
