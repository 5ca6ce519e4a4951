"""What PostgreSQL keeps for a subscription, with indexes, and how many statements each endpoint runs.

``python -m benchmarks.database [--rows N]``; rows as a paying monthly customer leaves them, ids as long as Stripe's.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable

import httpx
import psycopg

from benchmarks.events import MONTHS, lived_through
from benchmarks.figures import describe_machine, show
from benchmarks.stage import Stage, staged, versions
from local.betterauth import SignedInUser, sign_in
from tests.api.conftest import AUTH_SECRET, Api, as_user, make_settings, running_api
from tests.api.signing import event, signed

SUBSCRIPTIONS = 10_000_000
MONTHS_A_YEAR = 12
IN_THE_BACKGROUND = "select coalesce(extract"
"""The lag of the ledger is measured every few seconds, whoever asks for what."""

USER = "md5('user' || n)"
CUSTOMER, SUBSCRIPTION, INVOICE, EVENT, CARD = (
    f"'{prefix}_' || left(md5('{prefix}' || n) || md5('{prefix}' || n), {length})"
    for prefix, length in (("cus", 14), ("sub", 24), ("in", 24), ("evt", 24), ("pm", 24))
)
ROWS = {
    "customers": f"(user_id, stripe_customer_id, trial_used_at) select {USER}, {CUSTOMER}, now()",
    "subscriptions": f"""(
        user_id, stripe_customer_id, stripe_subscription_id, plan, interval, amount, currency, status, trial_ends_at,
        current_period_starts_at, current_period_ends_at, card_brand, card_last4, card_exp_month, card_exp_year, seq
    ) select {USER}, {CUSTOMER}, {SUBSCRIPTION}, 'BASIC', 'month', 1000, 'usd', 'active', now(), now(), now(),
        'visa', '4242', 12, 2030, 20""",
    "cards": f"""(payment_method_id, user_id, brand, last4, exp_month, exp_year)
        select {CARD}, {USER}, 'visa', '4242', 12, 2030""",
    "events": f"""(
        id, type, created_at, api_version, livemode, object_id, stripe_customer_id, stripe_subscription_id, user_id,
        status, delivered_at, applied_at
    ) select {EVENT}, 'invoice.payment_succeeded', now(), '2026-10-28.endive', true, {INVOICE}, {CUSTOMER},
        {SUBSCRIPTION}, {USER}, 'applied', now(), now()""",
    "timeline": f"""(user_id, seq, position, at, entry, cause, cause_id, from_status, to_status, detail)
        select {USER}, 12, 0, now(), 'renewed', 'stripe', {EVENT}, 'active', 'active',
        json_build_object('subscription', {SUBSCRIPTION}, 'invoice', {INVOICE}, 'plan', 'BASIC per month')""",
    "notifications": f"""(id, user_id, kind, occasion, data, status, attempts, sent_at)
        select gen_random_uuid(), {USER}, 'welcome', {SUBSCRIPTION},
        '{{"plan": "BASIC", "amount": 1000, "currency": "usd"}}', 'sent', 1, now()""",
    "operations": f"""(id, user_id, idempotency_key, kind, fingerprint, status, result, completed_at)
        select gen_random_uuid(), {USER}, gen_random_uuid()::text, 'subscribe', md5(n::text) || md5(n::text),
        'succeeded', '{{"result": "done"}}', now()""",
}
SIZE = "select pg_table_size({0}), pg_indexes_size({0})"


def fill(url: str, rows: int) -> dict[str, tuple[float, float]]:
    """Bytes a row of each table: the table itself, its indexes."""
    sizes = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for table, insert in ROWS.items():
            name = f"billing.{table}"
            connection.execute(f"insert into {name} {insert} from generate_series(1, {rows}) as n".encode())
            connection.execute(f"vacuum analyze {name}".encode())
            heap, indexes = connection.execute(SIZE.format(f"'{name}'").encode()).fetchone() or (0, 0)
            sizes[table] = heap / rows, indexes / rows
    return sizes


async def rows_a_year(stage: Stage) -> dict[str, float]:
    """A customer's first year: Stripe's events are counted at the local Stripe, the rest is what a year leaves."""
    types = [event["type"] for event in await lived_through(stage.folder)]
    first = types.index("customer.subscription.updated")  # a renewal begins with it
    events = first + (len(types) - first) / MONTHS * MONTHS_A_YEAR
    once = {"customers": 1.0, "subscriptions": 1.0, "cards": 1.0, "operations": 2.0, "notifications": 2.0}
    return once | {"events": events, "timeline": MONTHS_A_YEAR + 2.0}


def report_sizes(sizes: dict[str, tuple[float, float]], yearly: dict[str, float]) -> None:
    head = ["table", "bytes a row", "of indexes", "rows a year", "kB a subscription", "GB for ten million"]
    rows, total = [], 0.0
    for table, (heap, indexes) in sizes.items():
        bytes_a_year = (heap + indexes) * yearly[table]
        total += bytes_a_year
        figures = f"{heap:.0f}", f"{indexes:.0f}", f"{yearly[table]:.0f}", f"{bytes_a_year / 1e3:.2f}"
        rows.append([table, *figures, f"{bytes_a_year * SUBSCRIPTIONS / 1e9:,.0f}"])
    rows.append(["together", "", "", "", f"{total / 1e3:.2f}", f"{total * SUBSCRIPTIONS / 1e9:,.0f}"])
    show("A subscription in its first year", head, rows)


def endpoints(client: httpx.AsyncClient, user: SignedInUser) -> dict[str, Callable[[], Awaitable[httpx.Response]]]:
    """Each endpoint asked once, for a user who is subscribed."""
    me, begun = as_user(user), {"plan": "BASIC", "interval": "month"}
    pages = {"success_url": "https://a.example/", "cancel_url": "https://a.example/"}
    mine = "/billing/subscriptions"
    return {
        "GET /plans": lambda: client.get("/billing/plans"),
        "GET /subscriptions/me": lambda: client.get(f"{mine}/me", headers=me),
        "GET /subscriptions/me/timeline": lambda: client.get(f"{mine}/me/timeline", headers=me),
        "POST /subscriptions": lambda: client.post(mine, json=begun, headers=me),
        "PATCH /subscriptions/plan": lambda: client.patch(f"{mine}/plan", json={"plan": "PRO"}, headers=me),
        "DELETE /subscriptions": lambda: client.delete(mine, headers=me),
        "POST /subscriptions/resume": lambda: client.post(f"{mine}/resume", headers=me),
        "POST /checkout": lambda: client.post("/billing/checkout", json=begun | pages, headers=me),
        "POST /portal": lambda: client.post("/billing/portal", json={"return_url": "https://a.example/"}, headers=me),
        "POST /webhooks/stripe": lambda: client.post("/billing/webhooks/stripe", **signed(event(customer="cus_1"))),
        "GET /readyz": lambda: client.get("/readyz"),
    }


async def count_statements(url: str) -> list[list[str]]:
    """Statements of the API itself; what the workflow saves for an intent comes on top."""
    user = sign_in(url, name="Ada Lovelace", email="ada@example.org", secret=AUTH_SECRET)
    async with running_api(make_settings(url)) as api:
        return [await _count(api, user, name) for name in endpoints(api.client, user)]


async def _count(api: Api, user: SignedInUser, name: str) -> list[str]:
    api.subscribed(user.id, status="canceled" if name == "POST /checkout" else "active")
    api.pages.customers.add(user.id)
    api.statements.clear()
    answer = await endpoints(api.client, user)[name]()
    asked = [statement for statement, _ in api.statements if not statement.lstrip().startswith(IN_THE_BACKGROUND)]
    return [name, str(answer.status_code), str(len(asked))]


async def run(rows: int) -> None:
    describe_machine()
    async with staged() as stage:
        print(versions(stage.url))
        statements = await count_statements(stage.url)
        report_sizes(await asyncio.to_thread(fill, stage.url, rows), await rows_a_year(stage))
    show("Statements a request", ["endpoint", "status", "statements"], statements)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    asyncio.run(run(parser.parse_args().rows))


if __name__ == "__main__":
    main()
