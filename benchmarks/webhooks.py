"""Webhooks acknowledged per second: our door beside a bare route that verifies and commits one row a request.

``python -m benchmarks.webhooks [--rounds N] [--requests N] [--connections N]``
Temporal is away, so acknowledging alone is measured; what the relay does with the events comes later in life, too.
"""

import argparse

import psycopg
import uvloop

from api.webhooks import PATH
from benchmarks.bare import SECRET
from benchmarks.contest import Contestant, compete, report
from benchmarks.events import deliveries, lived_through
from benchmarks.figures import describe_machine
from benchmarks.stage import Bare, staged, versions
from local.programs import Api


def forget_events(url: str) -> None:
    """Each turn begins with empty tables: a backlog that nobody delivers would slow PostgreSQL down for ours."""
    with psycopg.connect(url) as connection:
        connection.execute("truncate billing.events, bare_events")


async def run(options: argparse.Namespace) -> None:
    """Both on one PostgreSQL that syncs; every request is an event of its own, of the kinds that a customer causes."""
    describe_machine()
    async with staged() as stage:
        print(versions(stage.url))
        events = await lived_through(stage.folder)
        bare, api = await stage.bare(), await stage.api()

        def contestant(name: str, part: Bare | Api, path: str) -> Contestant:
            def requests() -> list[bytes]:
                forget_events(stage.url)
                return deliveries(path, events, options.requests, SECRET)

            return Contestant(name, part, part.port, requests)

        pair = contestant("bare route", bare, "/webhook"), contestant("Perennial", api, PATH)
        report(await compete(stage, *pair, options.rounds, options.connections))
    describe_machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--connections", type=int, default=32)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
