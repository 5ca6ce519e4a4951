"""Webhooks acknowledged per second: our door beside a bare route that verifies and commits one row a request.

``python -m benchmarks.webhooks [--rounds N] [--requests N] [--connections N]``
"""

import argparse
from dataclasses import dataclass

import uvloop

from api.webhooks import PATH
from benchmarks.bare import SECRET
from benchmarks.events import deliveries, lived_through
from benchmarks.figures import Meter, column, describe_machine, show
from benchmarks.load import Answers, load
from benchmarks.stage import Stage, pid_of, staged, versions
from local.parts import Part


@dataclass(frozen=True)
class Contestant:
    """A server process and where it takes webhooks."""

    name: str
    path: str
    port: int
    pid: int


@dataclass(frozen=True)
class Round:
    """One contestant's turn."""

    answers: Answers
    server_cpu: float
    postgres_cpu: float


def contestant(name: str, path: str, part: Part, port: int) -> Contestant:
    return Contestant(name, path, port, pid_of(part))


async def compare(stage: Stage, options: argparse.Namespace) -> dict[str, list[Round]]:
    """Turn and turn about, the first of a pair changing; the first pair warms up and is not counted."""
    events = await lived_through(stage.folder)
    bare, api = await stage.bare(), await stage.api()
    pair = [contestant("bare route", "/webhook", bare, bare.port), contestant("Perennial", PATH, api, api.port)]
    rounds: dict[str, list[Round]] = {one.name: [] for one in pair}
    for number in range(options.rounds + 1):
        for one in pair if number % 2 else reversed(pair):
            requests = deliveries(one.path, events, options.requests, SECRET)
            lap = await turn(stage, one, requests, options.connections)
            if number:
                rounds[one.name].append(lap)
    return rounds


async def turn(stage: Stage, one: Contestant, requests: list[bytes], connections: int) -> Round:
    meter = Meter({"server": one.pid, "postgres": pid_of(stage.postgres)})
    answers = await load(one.port, requests, connections)
    used = meter.used()
    assert set(answers.statuses) == {200}, answers.statuses
    return Round(answers, used["server"] / len(requests), used["postgres"] / len(requests))


def report(rounds: dict[str, list[Round]]) -> None:
    head = ["", "answers/s", "p50 ms", "p99 ms", "server CPU µs/request", "PostgreSQL CPU µs/request"]
    show(
        "Median of the rounds (smallest–largest)",
        head,
        [
            [
                name,
                column(laps, lambda lap: lap.answers.rate),
                column(laps, lambda lap: lap.answers.at(0.5), ".1f"),
                column(laps, lambda lap: lap.answers.at(0.99), ".1f"),
                column(laps, lambda lap: lap.server_cpu * 1e6),
                column(laps, lambda lap: lap.postgres_cpu * 1e6),
            ]
            for name, laps in rounds.items()
        ],
    )


async def run(options: argparse.Namespace) -> None:
    describe_machine()
    async with staged() as stage:
        print(versions(stage.url))
        report(await compare(stage, options))
    describe_machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--connections", type=int, default=32)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
