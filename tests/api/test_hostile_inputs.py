"""Hostile requests, layer by layer: each is turned away as what it is, none is a bug, and nothing is carried out."""

import json
from typing import Any

import pytest

from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, assert_problem, make_settings, running_api

SUBSCRIBE = "/billing/subscriptions"
GOOD = {"plan": "BASIC", "interval": "month"}
HUGE = b'{"plan": "B", "interval": "month", "trial_period_days": ' + b"9" * 400 + b"}"
DEEP = "[" * 20_000 + "]" * 20_000

BODIES: dict[str, tuple[bytes, str, int, str]] = {
    "a name twice": (b'{"plan": "BASIC", "plan": "PRO", "interval": "month"}', "", 400, "malformed_json"),
    "a name twice, spelled otherwise": (b'{"plan": "BASIC", "pl\\u0061n": "PRO"}', "", 400, "malformed_json"),
    "NaN": (b'{"plan": "BASIC", "interval": "month", "trial_period_days": NaN}', "", 400, "malformed_json"),
    "infinity": (b'{"plan": "BASIC", "trial_period_days": -Infinity}', "", 400, "malformed_json"),
    "a number beyond floats": (b'{"plan": "B", "interval": "month", "trial_period_days": 1e999}', "", 422, ""),
    "a number of 5,000 digits": (b'{"plan": "B", "trial_period_days": ' + b"9" * 5000 + b"}", "", 400, ""),
    "a number of 400 digits": (HUGE, "", 422, ""),
    "a float for a whole number": (json.dumps(GOOD | {"trial_period_days": 1.0}).encode(), "", 422, "invalid_request"),
    "nested without end": (DEEP.encode(), "", 400, ""),
    "objects without end": (b'{"plan":' * 5_000 + b"1" + b"}" * 5_000, "", 400, ""),
    "half a surrogate": (b'{"plan": "\\ud800", "interval": "month"}', "", 422, "invalid_request"),
    "NUL in a text": (b'{"plan": "BASIC\\u0000", "interval": "month"}', "", 422, "invalid_request"),
    "a line break at the end of a text": (b'{"plan": "BASIC\\n", "interval": "month"}', "", 422, "invalid_request"),
    "controls in a text": (b'{"plan": "BASIC\\u001b[2J", "interval": "month"}', "", 422, "invalid_request"),
    "raw controls": (b'{"plan": "BASIC\x01", "interval": "month"}', "", 400, "malformed_json"),
    "turned letters": ('{"plan": "\u202eCISAB", "interval": "month"}'.encode(), "", 422, "invalid_request"),
    "letters that look alike": ('{"plan": "\u0412ASIC", "interval": "month"}'.encode(), "", 422, "invalid_request"),
    "an amount of one's own": (json.dumps(GOOD | {"amount": 1}).encode(), "", 422, "invalid_request"),
    "another user": (json.dumps(GOOD | {"user_id": "user_2"}).encode(), "", 422, "invalid_request"),
    "a prototype": (json.dumps(GOOD | {"__proto__": {"role": "admin"}}).encode(), "", 422, "invalid_request"),
    "SQL": (json.dumps(GOOD | {"plan": "x'; drop table billing.events; --"}).encode(), "", 422, "invalid_request"),
    "not UTF-8": (b'{"plan": "BASIC\xff"}', "", 400, ""),
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), "", 400, ""),
    "UTF-32": (json.dumps(GOOD).encode("utf-32-le"), "", 400, ""),
    "UTF-7 by its charset": (json.dumps(GOOD).encode(), "application/json; charset=utf-7", 415, ""),
    "Latin-1 by its charset": (json.dumps(GOOD).encode(), 'application/json; charset="latin1"', 415, ""),
    "a form": (b"plan=BASIC&interval=month", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    "JSON as plain text": (json.dumps(GOOD).encode(), "text/plain", 415, "unsupported_media_type"),
    "JSON of another kind": (json.dumps(GOOD).encode(), "application/merge-patch+json", 415, ""),
    "two documents": (json.dumps(GOOD).encode() * 2, "", 400, "malformed_json"),
    "comments": (b'{"plan": "BASIC" /* , */, "interval": "month"}', "", 400, "malformed_json"),
}  # fmt: skip

UTF8_BODIES = {"plain": "application/json", "named": "application/json; charset=UTF-8"}


@pytest.mark.parametrize(("body", "kind", "status", "code"), BODIES.values(), ids=BODIES)
async def test_a_hostile_body(
    shared_api: Api, member: SignedInUser, body: bytes, kind: str, status: int, code: str
) -> None:
    headers = as_user(member) | {"Content-Type": kind or "application/json"}

    response = await shared_api.client.post(SUBSCRIBE, content=body, headers=headers)

    assert_problem(response, status, code or response.json()["code"])
    assert shared_api.door.carried_out == []


@pytest.mark.parametrize("kind", UTF8_BODIES.values(), ids=UTF8_BODIES)
async def test_json_in_its_own_charset_is_taken(api: Api, ada: SignedInUser, kind: str) -> None:
    api.subscribed(ada.id)
    headers = as_user(ada) | {"Content-Type": kind}

    assert (await api.client.post(SUBSCRIBE, content=json.dumps(GOOD), headers=headers)).status_code == 201


PATHS: dict[str, tuple[str, str, int]] = {
    "an operation that is no id": ("GET", "/billing/operations/1", 422),
    "an operation with NUL": ("GET", "/billing/operations/%00", 422),
    "an operation of another place": ("GET", "/billing/operations/..%2f..%2fadmin", 404),
    "an operation with SQL": ("GET", "/billing/operations/1'%20or%20'1'='1", 422),
    "a path with two slashes": ("GET", "//billing/plans", 404),
    "a path with NUL": ("GET", "/billing/plans%00", 404),
    "a path that is no UTF-8": ("GET", "/billing/%ff%fe", 404),
    "a path in capitals": ("GET", "/BILLING/plans", 404),
    "a path with parameters": ("GET", "/billing/plans;a=b", 404),
    "a very long path": ("GET", "/billing/" + "x" * 20_000, 404),
    "a method of one's own": ("PURGE", "/billing/plans", 405),
    "a trace": ("TRACE", "/billing/plans", 405),
}


@pytest.mark.parametrize(("method", "path", "status"), PATHS.values(), ids=PATHS)
async def test_a_hostile_path(shared_api: Api, member: SignedInUser, method: str, path: str, status: int) -> None:
    response = await shared_api.client.request(method, f"{shared_api.url}{path}", headers=as_user(member))

    assert response.status_code == status, response.text
    assert "content-type" in response.headers


ADMIN_PATHS = ["%00", "a%00b", "%0a", "a%20b", "%c3%a9", "%ff", "x" * 256, "%e2%80%ae"]


@pytest.mark.parametrize("user_id", ADMIN_PATHS)
async def test_a_hostile_user_id(api: Api, ada: SignedInUser, user_id: str) -> None:
    api.rows("""update "user" set role = 'admin'""")

    response = await api.client.post(f"/billing/admin/users/{user_id}/refunds", json={}, headers=as_user(ada))

    assert_problem(response, 422, "invalid_request")


MOMENTS = [
    0,
    1e300,
    10**30,
    True,
    "0",
    "1700000000",
    "tomorrow",
    "2026-12-24",
    "99999-01-01T00:00:00Z",
    "2026-12-24T09:30:00",
    [],
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_a_hostile_moment(api: Api, ada: SignedInUser, moment: object) -> None:
    api.rows("""update "user" set role = 'admin'""")
    api.subscribed(ada.id, status="trialing")

    response = await api.client.post(
        f"/billing/admin/users/{ada.id}/trial", json={"ends_at": moment}, headers=as_user(ada)
    )

    assert_problem(response, 422, "invalid_request")


QUERIES = {
    "unknown": ("GET", "/billing/subscriptions/me?user_id=user_2", "user_id"),
    "unknown where nothing is known": ("GET", "/billing/plans?plan=PRO", "plan"),
    "unknown of a write": ("POST", "/billing/subscriptions/resume?at=now", "at"),
    "twice": ("GET", "/billing/subscriptions/me/timeline?limit=1&limit=100", "limit"),
    "twice, of a model": ("DELETE", "/billing/subscriptions?timing=period_end&timing=now", "timing"),
    "a misspelled one": ("DELETE", "/billing/subscriptions?timming=now", "timming"),
    "in another case": ("DELETE", "/billing/subscriptions?Timing=now", "Timing"),
    "as a list": ("GET", "/billing/subscriptions/me/timeline?limit[]=1", "limit[]"),
    "without a name": ("GET", "/billing/subscriptions/me/timeline?=1", "query"),
    "with NUL in its name": ("GET", "/billing/subscriptions/me/timeline?lim%00it=1", "query"),
    "of an id": ("GET", "/billing/operations/0b8f4f0e-6c1e-4a38-9f0a-2d8f6c1e7b55?a=b", "a"),
}


@pytest.mark.parametrize(("method", "path", "field"), QUERIES.values(), ids=QUERIES)
async def test_a_hostile_query(shared_api: Api, member: SignedInUser, method: str, path: str, field: str) -> None:
    response = await shared_api.client.request(method, path, headers=as_user(member))

    assert assert_problem(response, 422, "invalid_request")["errors"][0]["field"] == field
    assert shared_api.door.carried_out == []


VALUES = [
    "limit=0",
    "limit=101",
    "limit=1e9",
    "limit=%00",
    "cursor=1",
    "cursor=%00",
    "cursor=1-1%0a",
    "newest_first=maybe",
]


@pytest.mark.parametrize("query", VALUES)
async def test_a_hostile_value(shared_api: Api, member: SignedInUser, query: str) -> None:
    response = await shared_api.client.get(f"/billing/subscriptions/me/timeline?{query}", headers=as_user(member))

    assert_problem(response, 422, "invalid_request")


async def test_probes_may_be_asked_with_anything(shared_api: Api) -> None:
    assert (await shared_api.client.get("/healthz?check=1&check=2")).status_code == 200


KEYS = ["", "a b", "x" * 256, "a\tb", "\u00e9".encode("latin-1"), b"\xff"]


@pytest.mark.parametrize("key", KEYS, ids=repr)
async def test_a_hostile_idempotency_key(shared_api: Api, member: SignedInUser, key: Any) -> None:
    headers = [
        (b"Authorization", f"Bearer {member.token}".encode()),
        (b"Idempotency-Key", key if isinstance(key, bytes) else key.encode()),
    ]

    response = await shared_api.client.post("/billing/subscriptions/resume", headers=headers)

    assert_problem(response, 422, "invalid_request")


RETURNS = {
    "another site": "https://evil.example/done",
    "another scheme of ours": "http://app.example.com/done",
    "another port of ours": "https://app.example.com:8443/done",
    "below ours": "https://x.app.example.com/done",
    "ours as a beginning": "https://app.example.com.evil.example/",
    "ours as a user": "https://app.example.com@evil.example/",
    "ours as a path": "https://evil.example/https://app.example.com",
    "an app that is not listed": "otherapp://done",
    "an app that begins like ours": "myapp2://done",
    "our app with a user": "myapp://app.example.com@evil.example",
    "a script": "javascript://app.example.com/%0aalert(1)",
    "data": "data://text/html,x",
    "a file": "file:///etc/passwd",
    "a scheme alone": "myapp:done",
}
ALLOWED = "https://app.example.com, myapp://"


@pytest.mark.parametrize("mode", ["production", "local"])
async def test_customers_are_sent_back_to_listed_places_only(database: str, ada: SignedInUser, mode: str) -> None:
    async with running_api(make_settings(database, mode=mode, allowed_return_origins=ALLOWED)) as api:
        api.pages.customers.add(ada.id)

        async def returns_to(url: str) -> int:
            body = {"return_url": url}
            response = await api.client.post("/billing/portal", json=body, headers=as_user(ada))
            if response.status_code != 201:
                assert assert_problem(response, 422, "invalid_request")["errors"][0]["field"] == "return_url"
            return response.status_code

        for name, url in RETURNS.items():
            assert await returns_to(url) == 422, name
        for url in (
            "https://app.example.com/a?b=c#d",
            "HTTPS://APP.example.com:443/",
            "myapp://billing/done",
            "MyApp://x",
        ):
            assert await returns_to(url) == 201, url
        assert await returns_to("http://localhost:5173/done") == (201 if mode == "local" else 422)


async def test_without_a_list_only_the_web_app_is_returned_to(database: str, ada: SignedInUser) -> None:
    settings = make_settings(database, mode="production", allowed_return_origins="", app_url="https://my.example/app")
    async with running_api(settings) as api:
        api.pages.customers.add(ada.id)
        for url, status in (("https://my.example/x", 201), ("https://app.example.com/x", 422)):
            response = await api.client.post("/billing/portal", json={"return_url": url}, headers=as_user(ada))
            assert response.status_code == status
