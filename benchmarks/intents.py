"""Intents per second through API, Temporal's dev server, worker and local Stripe: subscribe, change of plan, cancel.

``python -m benchmarks.intents [--customers N ...]`` (connections at the same time, each asking for one customer after
the other). Webhooks, timeline and letters of these customers happen meanwhile, on the same cores.
"""

import argparse
import json
from collections.abc import Sequence

import uvloop

from benchmarks.figures import Meter, describe_machine, show
from benchmarks.load import Answers, load, request
from benchmarks.town import PROGRAMS, pids, sign_in, whole_system
from local.betterauth import SignedInUser
from local.stack import Stack

PATH = "/billing/subscriptions"
SUBSCRIBE = {"plan": "BASIC", "interval": "month", "payment_method": "pm_card_visa"}
INTENTS = (("POST", PATH, SUBSCRIBE), ("PATCH", f"{PATH}/plan", {"plan": "PRO"}), ("DELETE", PATH, None))
CUSTOMERS_A_CONNECTION = {1: 20, 8: 10, 32: 5}


def ask(method: str, path: str, body: dict[str, str] | None, user: SignedInUser) -> bytes:
    headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
    return request(method, path, headers, json.dumps(body).encode() if body else b"")


def row(method: str, answers: Answers, used: dict[str, float]) -> list[str]:
    each = len(answers.times)
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(answers.statuses.items()))
    busy = [f"{used[name] / each * 1000:.0f} ({used[name] / answers.seconds:.0%})" for name in PROGRAMS]
    return [method, f"{answers.rate:.1f}", f"{answers.at(0.5):.0f}", f"{answers.at(0.99):.0f}", statuses, *busy]


async def measure(stack: Stack, connections: int, users: Sequence[SignedInUser]) -> list[list[str]]:
    """The three intents one after the other, each for every user."""
    rows = []
    for method, path, body in INTENTS:
        meter = Meter(pids(stack))
        answers = await load(stack.ports["api"], [ask(method, path, body, user) for user in users], connections)
        rows.append([str(connections), *row(method, answers, meter.used())])
    return rows


async def run(options: argparse.Namespace) -> None:
    describe_machine()
    rows: list[list[str]] = []
    async with whole_system() as stack:
        await measure(stack, 4, await sign_in(stack, 8))
        for connections in options.customers:
            users = await sign_in(stack, connections * CUSTOMERS_A_CONNECTION.get(connections, 5))
            rows += await measure(stack, connections, users)
    head = ["at once", "", "intents/s", "p50 ms", "p99 ms", "statuses", *PROGRAMS]
    show("CPU of each program: ms an intent (share of one core)", head, rows)
    describe_machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[1, 8, 32])
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
