"""``GET /billing/subscriptions/me``: session and projection, beside a bare route with the same two queries.

``python -m benchmarks.reads [--rounds N] [--requests N] [--connections N]``
``python -m benchmarks.reads --cache SECONDS [--people N]``

With ``--cache`` it is Perennial with copies of the projection in Redis beside Perennial without; as many people as
requests, and one second, are a cache in which nothing is ever found.
"""

import argparse
import itertools

import psycopg
import uvloop

from benchmarks.contest import Contestant, compete, report
from benchmarks.figures import describe_machine
from benchmarks.load import request
from benchmarks.stage import AUTH_SECRET, Bare, staged, versions
from local import betterauth
from local.programs import Api
from local.valkey import Valkey

SUBSCRIBED = """
    insert into billing.customers (user_id, stripe_customer_id) select id, 'cus_' || id from "user";
    insert into billing.subscriptions (
        user_id, stripe_customer_id, stripe_subscription_id, plan, interval, amount, currency, status,
        current_period_starts_at, current_period_ends_at, card_brand, card_last4, card_exp_month, card_exp_year, seq
    )
    select id, 'cus_' || id, 'sub_' || id, 'BASIC', 'month', 1000, 'usd', 'active',
        now(), now() + interval '1 month', 'visa', '4242', 12, 2030, 5
    from "user";
"""


def sign_up(url: str, count: int) -> list[str]:
    """Some subscribed users; their session tokens."""
    people = [
        betterauth.sign_in(url, name=f"User {number}", email=f"user.{number}@example.org", secret=AUTH_SECRET)
        for number in range(count)
    ]
    with psycopg.connect(url) as connection:
        connection.execute(SUBSCRIBED)
    return [person.token for person in people]


async def run(options: argparse.Namespace) -> None:
    describe_machine()
    async with staged() as stage:
        print(versions(stage.url))
        tokens = sign_up(stage.url, options.people)

        def contestant(name: str, part: Bare | Api, path: str) -> Contestant:
            each = [request("GET", path, {"Authorization": f"Bearer {token}"}) for token in tokens]
            requests = list(itertools.islice(itertools.cycle(each), options.requests))
            return Contestant(name, part, part.port, lambda: requests)

        mine = "/billing/subscriptions/me"
        if options.cache:
            valkey = await stage.run(Valkey(stage.folder / "valkey", password="a-password-of-this-run"))
            cached = await stage.api(log="cached", redis_url=valkey.url, cache_seconds=str(options.cache))
            bare = contestant("without copies", await stage.api(), mine)
            ours = contestant("with copies", cached, mine)
        else:
            bare = contestant("bare route", await stage.bare(), "/me")
            ours = contestant("Perennial", await stage.api(), mine)
        report(await compete(stage, bare, ours, options.rounds, options.connections))
    describe_machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--cache", type=int, default=0)
    parser.add_argument("--people", type=int, default=50)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
