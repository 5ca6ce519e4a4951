"""Every statement that the API really runs finds its rows by an index, with 100,000 customers in the tables."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from database.api_keys import digest_of
from lifecycle.intents import Outcome, Result
from local.betterauth import SignedInUser, sign_in
from tests.api.conftest import AUTH_SECRET, Api, as_user, make_settings, new_database, running_api
from tests.api.signing import event, signed

FILLED = """
insert into "user" (id, name, email, "emailVerified")
    select 'user_' || n, 'Name', n || '@example.com', true from generate_series(1, 100000) as n;
insert into session (id, token, "userId", "expiresAt", "updatedAt")
    select n, md5(n::text), 'user_' || n, now() + interval '1 day', now() from generate_series(1, 100000) as n;
insert into billing.customers (user_id, stripe_customer_id)
    select 'user_' || n, 'cus_' || n from generate_series(1, 100000) as n;
insert into billing.subscriptions (user_id, stripe_customer_id, stripe_subscription_id, plan, interval, status, seq)
    select 'user_' || n, 'cus_' || n, 'sub_' || n, 'BASIC', 'month', 'active', 1 from generate_series(1, 100000) as n;
insert into billing.events (id, type, created_at, livemode, user_id, status)
    select 'evt_old_' || n, 'invoice.paid', now(), false, 'user_' || n,
        case when n % 1000 = 0 then 'pending' when n % 1001 = 0 then 'orphan' else 'applied' end
    from generate_series(1, 100000) as n;
insert into billing.timeline (user_id, seq, position, at, entry, cause)
    select 'user_' || n % 5000, n, 0, now(), 'renewed', 'event' from generate_series(1, 100000) as n;
insert into billing.operations (id, user_id, idempotency_key, kind, fingerprint)
    select gen_random_uuid(), 'user_' || n, 'key', 'subscribe', 'f' from generate_series(1, 100000) as n;
insert into billing.notifications (id, user_id, kind, occasion, status)
    select gen_random_uuid(), 'user_' || n, 'welcome', 'once', 'sent' from generate_series(1, 100000) as n;
insert into billing.api_keys (id, name, digest, scopes, created_by)
    select gen_random_uuid(), 'key', 'digest_' || n, '{subscriptions:read}', 'tests'
    from generate_series(1, 100000) as n;
insert into billing.trial_claims (kind, digest, user_id)
    select 'email', md5(n::text), 'user_' || n from generate_series(1, 100000) as n;
insert into billing.cards (payment_method_id, user_id)
    select 'pm_' || n, 'user_' || n from generate_series(1, 100000) as n;
insert into billing.invoice_links (invoice_id, user_id, url)
    select 'in_' || n, 'user_' || n, 'https://invoice.example' from generate_series(1, 100000) as n;
insert into billing.project_members (project_id, user_id, role)
    select 'project_' || n, 'user_' || n, 'owner' from generate_series(1, 100000) as n;
insert into billing.project_members (project_id, user_id, role)
    select 'project_' || n, 'user_' || n + 1, 'member' from generate_series(1, 99999) as n;
insert into billing.audit (actor, act, subject)
    select 'cli:' || n % 50, 'refund', 'user_' || n from generate_series(1, 100000) as n;
"""


@pytest_asyncio.fixture(scope="module")
async def crowded(postgres_url: str, migrated_template: str) -> AsyncIterator[Api]:
    async with new_database(postgres_url, migrated_template) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FILLED)
            connection.execute("vacuum analyze")
        async with running_api(make_settings(url)) as api:
            yield api


@pytest.fixture
def crowded_user(crowded: Api) -> SignedInUser:
    return sign_in(crowded.database, name="Ada", email="ada@example.com", secret=AUTH_SECRET)


async def everything_that_the_api_does(api: Api, user: SignedInUser) -> None:
    me, client = as_user(user), api.client
    api.subscribed(user.id)
    await client.get("/billing/plans")
    await client.get("/billing/subscriptions/me", headers=me)
    await client.get("/billing/entitlements", headers=me)
    await everything_with_a_project(api, user)
    for order in ("true", "false"):
        query = {"newest_first": order, "cursor": "50000-0"}
        await client.get("/billing/subscriptions/me/timeline", params=query, headers=me)
    for key in ("a", "a"):
        body = {"plan": "BASIC", "interval": "month"}
        await client.post("/billing/subscriptions", json=body, headers=as_user(user, key))
    await client.patch("/billing/subscriptions/plan", json={"plan": "PRO"}, headers=me)
    await client.delete("/billing/subscriptions", headers=me)
    await client.post("/billing/subscriptions/resume", headers=me)
    api.door.says = Outcome(Result.DECLINED)
    await client.post("/billing/subscriptions/resume", headers=me)
    api.door.says = None
    pending = await client.post("/billing/subscriptions/resume", headers=me)
    await client.get(pending.headers["location"], headers=me)
    pages = {"success_url": "https://a.example/", "cancel_url": "https://a.example/"}
    await client.post("/billing/checkout", json={"plan": "PRO", "interval": "month", **pages}, headers=me)
    api.subscribed(user.id, status="canceled")
    await client.post("/billing/checkout", json={"plan": "PRO", "interval": "month", **pages}, headers=me)
    await client.post("/billing/portal", json={"return_url": "https://a.example/"}, headers=me)
    await client.post("/billing/webhooks/stripe", **signed(event(customer="cus_77")))
    api.rows("""update "user" set role = 'admin' where id = %s""", user.id)
    api.door.says = Outcome(Result.DONE, "refunded")
    refunded = await client.post("/billing/admin/users/user_77/refunds", json={"amount": 1}, headers=me)
    assert refunded.status_code == 404, "the workflow is not there to write its line"
    moved = await client.post(f"/billing/admin/users/{user.id}/trial", json={"ends_at": None}, headers=me)
    assert moved.status_code == 200
    api.subscribed("user_77")
    moved = await client.post("/billing/admin/users/user_77/policy", headers=me)
    assert moved.status_code == 404, "the workflow is not there to write its line"
    await client.get(f"/billing/admin/operations/{pending.headers['location'].rpartition('/')[2]}", headers=me)
    for asked in ({}, {"subject": "user_77"}, {"actor": "cli:7"}, {"subject": "user_77", "actor": "cli:27"}):
        assert (await client.get("/billing/admin/audit", params=asked, headers=me)).status_code == 200
    assert (await client.get("/billing/export", headers=me)).status_code == 200
    for what in ("subscription", "timeline", "timeline?newest_first=true", "letters"):
        assert (await client.get(f"/billing/admin/users/user_77/{what}", headers=me)).status_code == 200
    letter = api.row("select id from billing.notifications where user_id = 'user_77'")["id"]
    again = await client.post(f"/billing/admin/users/user_77/letters/{letter}/resend", headers=me)
    assert again.status_code == 202
    key = "prnl_" + "a" * 43
    api.rows("update billing.api_keys set digest = %s where digest = 'digest_77'", digest_of(key))
    server = {"Authorization": f"Bearer {key}", "X-On-Behalf-Of": user.id}
    assert (await client.get("/billing/subscriptions/me", headers=server)).status_code == 200
    await client.get("/readyz")


async def everything_with_a_project(api: Api, user: SignedInUser) -> None:
    me, project = as_user(user), "/billing/projects/mine"
    api.subscribed(user.id, plan="ENTERPRISE")
    for method, path, body, status in (
        ("PUT", "", None, 201),
        ("PUT", "/members/user_77", {"role": "member"}, 201),
        ("GET", "/entitlements", None, 200),
        ("POST", "/check", {"feature": "projects"}, 200),
        ("POST", "/check", {"feature": "seats"}, 200),
        ("DELETE", "/members/user_77", None, 204),
        ("DELETE", "", None, 204),
    ):
        answer = await api.client.request(method, project + path, json=body, headers=me)
        assert answer.status_code == status, answer.text
    api.subscribed(user.id, plan="BASIC")


def scans(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for child in plan.get("Plans", []):
        yield from scans(child)


async def test_every_query_of_the_api_uses_an_index(crowded: Api, crowded_user: SignedInUser) -> None:
    await everything_that_the_api_does(crowded, crowded_user)

    statements = dict(crowded.statements)
    assert len(statements) >= 12, "the walk above no longer reaches every statement"
    with psycopg.connect(crowded.database, cursor_factory=psycopg.ClientCursor) as connection:
        for statement, values in statements.items():
            (found,) = connection.execute(f"explain (format json) {statement}".encode(), values).fetchone() or ({},)
            small = {"alembic_version", "reconciliations"}  # one row; one row a day
            assert set(scans(found[0]["Plan"])) <= small, statement


async def test_a_full_batch_of_events_finds_its_customers_by_index(crowded: Api) -> None:
    await crowded.client.post("/billing/webhooks/stripe", **signed(event(customer="cus_77")))
    statement, values = next(one for one in crowded.statements if "insert into billing.events" in one[0])
    full = {"entries": json.dumps(json.loads(values["entries"]) * 500)}

    with psycopg.connect(crowded.database, cursor_factory=psycopg.ClientCursor) as connection:
        (found,) = connection.execute(f"explain (format json) {statement}".encode(), full).fetchone() or ({},)

    assert list(scans(found[0]["Plan"])) == []
