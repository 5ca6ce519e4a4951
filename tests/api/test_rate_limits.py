"""How often a user, and an address, may ask: by themselves, across processes through Redis, and while Redis is away."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from prometheus_client import REGISTRY
from redis.exceptions import ConnectionError as RedisAway

from api.rate_limits import Memory
from database.api_keys import Scope as ApiScope
from database.api_keys import make_api_key
from database.audit import Act
from database.redis_pool import redis_pool
from database.session import make_engine
from local.betterauth import SignedInUser, new_id
from local.valkey import Valkey
from tests.api.conftest import Api, as_user, assert_problem, make_settings, running_api
from tests.fixtures.certificates import Authority

DAY = 86_400
"""Long enough that no test crosses from one window into the next."""
READ, WRITE, ANONYMOUS = "/billing/subscriptions/me", "/billing/subscriptions/resume", "/billing/plans"


async def read(api: Api, user: SignedInUser) -> httpx.Response:
    return await api.client.get(READ, headers=as_user(user))


async def statuses(times: int, ask: Any) -> list[int]:
    return [(await ask()).status_code for _ in range(times)]


def assert_limited(response: httpx.Response, rate: str, quota: int) -> None:
    """https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10"""
    assert_problem(response, 429, "rate_limited")
    wait = int(response.headers["retry-after"])
    assert 1 <= wait <= DAY
    assert response.headers["ratelimit-policy"] == f'"{rate}";q={quota};w={DAY}'
    assert response.headers["ratelimit"] == f'"{rate}";r=0;t={wait}'


async def test_reads_and_writes_of_a_user_are_counted_apart(
    database: str, ada: SignedInUser, bob: SignedInUser
) -> None:
    async with running_api(make_settings(database, rate_reads="3/day", rate_writes="2/day")) as api:
        api.subscribed(ada.id)

        assert await statuses(3, lambda: read(api, ada)) == [200] * 3
        assert_limited(await read(api, ada), "reads", 3)
        assert await statuses(2, lambda: api.client.post(WRITE, headers=as_user(ada))) == [200, 200]
        assert_limited(await api.client.post(WRITE, headers=as_user(ada)), "writes", 2)
        assert len(api.door.carried_out) == 2
        assert (await read(api, bob)).status_code == 404, "another user has limits of his own"


async def test_strangers_are_counted_by_address_and_a_wrong_credential_apart(database: str, ada: SignedInUser) -> None:
    async with running_api(
        make_settings(database, rate_anonymous="4/day", rate_failed_sign_ins="3/day", trusted_proxies="127.0.0.1")
    ) as api:
        api.subscribed(ada.id)
        before = REGISTRY.get_sample_value("perennial_rate_limited_total", {"limit": "failed_sign_ins"}) or 0.0

        async def guess(address: str = "8.8.8.8") -> httpx.Response:
            headers = {"Authorization": f"Bearer {new_id()}", "X-Forwarded-For": address}
            return await api.client.get(READ, headers=headers)

        assert await statuses(3, guess) == [401] * 3
        assert_limited(await guess(), "failed_sign_ins", 3)
        assert REGISTRY.get_sample_value("perennial_rate_limited_total", {"limit": "failed_sign_ins"}) == before + 1
        assert (await guess("8.8.4.4")).status_code == 401
        same_address = as_user(ada) | {"X-Forwarded-For": "8.8.8.8"}
        assert (await api.client.get(READ, headers=same_address)).status_code == 200, "nobody is locked out by another"

        assert await statuses(4, lambda: api.client.get(ANONYMOUS)) == [200] * 4
        assert_limited(await api.client.get(ANONYMOUS), "anonymous", 4)
        assert_limited(await api.client.get(READ), "anonymous", 4)
        assert await statuses(9, lambda: api.client.get("/healthz")) == [200] * 9
        assert await statuses(9, lambda: api.client.get("/readyz")) == [200] * 9


JSON, WRONG = {"Content-Type": "application/json"}, {"Authorization": f"Bearer {'a' * 32}"}
SUBSCRIBE = "/billing/subscriptions"
REFUSED: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "half a body": (400, "POST", SUBSCRIBE, {"content": b"{", "headers": JSON}),
    "half a body with a wrong token": (
        400,
        "POST",
        "/billing/subscriptions",
        {"content": b"{", "headers": JSON | WRONG},
    ),
    "a body of another kind": (415, "POST", SUBSCRIBE, {"content": b"plan=PRO"}),
    "a body without end": (413, "POST", SUBSCRIBE, {"content": b" " * 70_000, "headers": JSON}),
    "a query that nobody knows": (422, "GET", f"{READ}?colour=red", {}),
    "a path that is none": (404, "GET", "/billing/nothing", {}),
    "a method that is none": (405, "PUT", ANONYMOUS, {}),
    "a page of somebody else's": (403, "POST", WRITE, {"headers": {"Cookie": "a=b", "Origin": "https://evil.example"}}),
}


async def test_what_is_refused_before_anybody_asks_whose_it_is_counts_against_its_address(
    database: str, ada: SignedInUser
) -> None:
    async with running_api(make_settings(database, rate_anonymous="3/day", trusted_proxies="127.0.0.1")) as api:
        for number, (name, (status, method, path, sent)) in enumerate(REFUSED.items()):
            request = api.client.build_request(method, path, **sent)
            request.headers["X-Forwarded-For"] = f"8.8.8.{number}"

            assert await statuses(3, partial(api.client.send, request)) == [status] * 3, name
            assert_limited(await api.client.send(request), "anonymous", 3)

        shared = {"X-Forwarded-For": "8.8.8.0"}
        api.subscribed(ada.id)
        assert (await api.client.get(READ, headers=as_user(ada) | shared)).status_code == 200, "nobody is locked out"
        probe = await api.client.post("/healthz", headers=shared)
        assert probe.status_code == 405, "probes are never limited"


async def test_what_is_counted_already_is_not_counted_against_the_address_as_well(
    database: str, ada: SignedInUser
) -> None:
    async with running_api(make_settings(database, rate_anonymous="2/day", rate_failed_sign_ins="9/day")) as api:
        assert await statuses(4, lambda: read(api, ada)) == [404] * 4
        assert await statuses(4, lambda: api.client.get("/billing/admin/audit", headers=as_user(ada))) == [403] * 4
        assert await statuses(4, lambda: api.client.get(READ, headers=WRONG)) == [401] * 4
        assert await statuses(2, lambda: api.client.get(READ)) == [401] * 2
        assert_limited(await api.client.get(READ), "anonymous", 2)


async def test_a_server_that_invents_users_is_one_that_guesses(database: str, ada: SignedInUser) -> None:
    settings = make_settings(database, rate_failed_sign_ins="3/day", rate_anonymous="1/day")
    engine = make_engine(settings)
    _, secret = await make_api_key(engine, "backend", [ApiScope.SUBSCRIPTIONS_READ], Act("cli:tests", "create_api_key"))
    await engine.dispose()
    async with running_api(settings) as api:
        api.subscribed(ada.id)

        async def ask(user: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {secret}", "X-On-Behalf-Of": user}
            return await api.client.get(READ, headers=headers)

        assert await statuses(3, lambda: ask(new_id())) == [403] * 3
        assert_limited(await ask(new_id()), "failed_sign_ins", 3)
        assert (await ask(ada.id)).status_code == 200


async def test_a_whole_ipv6_network_is_one_stranger(database: str) -> None:
    async with running_api(make_settings(database, rate_anonymous="2/day", trusted_proxies="127.0.0.1")) as api:

        async def ask(address: str) -> int:
            return (await api.client.get(ANONYMOUS, headers={"X-Forwarded-For": address})).status_code

        assert [await ask(f"2a00:1:2:3::{n}") for n in range(3)] == [200, 200, 429]
        assert await ask("2a00:1:2:4::1") == 200


async def test_counters_in_the_process_are_dropped_when_they_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, now = Memory(), [1_000_000.0]
    monkeypatch.setattr("api.rate_limits.time.time", lambda: now[0])
    for stranger in range(1000):
        assert await memory.incr(f"of {stranger}", expiry=60) == 1
    assert await memory.incr("of 7", expiry=60) == 2

    now[0] += 61

    assert await memory.incr("of 7", expiry=60) == 1
    assert set(memory.storage) == set(memory.expirations) == {"of 7"}


async def test_off_is_no_limit(database: str) -> None:
    async with running_api(make_settings(database, rate_anonymous="off")) as api:
        assert await statuses(700, lambda: api.client.get(ANONYMOUS)) == [200] * 700


async def test_processes_count_together_in_redis_in_one_round_trip(
    database: str, ada: SignedInUser, valkey: Valkey
) -> None:
    settings = make_settings(database, rate_reads="4/day", rate_anonymous="9/day", redis_url=valkey.url)
    client = redis.Redis.from_url(valkey.url)
    async with running_api(settings) as one, running_api(settings) as two:
        one.subscribed(ada.id)
        assert (await read(one, ada)).status_code == 200  # Redis learns the script
        before = _calls(client)

        assert [(await read(api, ada)).status_code for api in (two, one, two)] == [200] * 3
        assert _calls(client) - before == 3
        assert (await one.client.get("/billing/nothing")).status_code == 404
        assert _calls(client) - before == 4

        assert_limited(await read(one, ada), "reads", 4)
        assert_limited(await read(two, ada), "reads", 4)
    assert all(0 < client.ttl(key) <= 2 * DAY for key in client.keys("*"))


def _calls(client: Any) -> int:
    """Commands that clients have sent; what a script does inside is counted under its own names."""
    stats = client.info("commandstats")
    return sum(one["calls"] for name, one in stats.items() if name in {"cmdstat_evalsha", "cmdstat_script|load"})


async def test_when_redis_is_away_each_process_counts_for_itself(
    database: str, ada: SignedInUser, valkey: Valkey
) -> None:
    settings = make_settings(database, rate_reads="2/day", redis_url=valkey.url)
    async with running_api(settings) as api:
        api.subscribed(ada.id)
        assert await statuses(2, lambda: read(api, ada)) == [200, 200]
        assert_limited(await read(api, ada), "reads", 2)

        await valkey.stop()

        assert await statuses(2, lambda: read(api, ada)) == [200, 200]
        assert_limited(await read(api, ada), "reads", 2)


@contextlib.asynccontextmanager
async def silence(authority: Authority | None = None, host: str = "localhost") -> AsyncIterator[int]:
    """A server that takes connections and never says a word, with TLS when there is an authority."""
    context = None
    if authority:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*authority.issue(host))
    writers = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:
            writer.close()


async def test_a_redis_that_hangs_holds_nobody_up(database: str, ada: SignedInUser) -> None:
    async with silence() as port:
        settings = make_settings(database, rate_reads="2/day", redis_url=f"redis://127.0.0.1:{port}")
        async with running_api(settings) as api:
            api.subscribed(ada.id)
            assert await statuses(2, lambda: read(api, ada)) == [200, 200]
            assert_limited(await read(api, ada), "reads", 2)


async def test_redis_over_tls_is_asked_who_it_is(tmp_path: Path) -> None:
    ours, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    async with silence(ours) as port:

        async def attempt(host: str, authority: Authority) -> str:
            settings = make_settings(
                "postgresql://nobody@127.0.0.1:1/none", redis_url=f"rediss://{host}:{port}", ca_file=authority.file
            )
            pool = redis_pool(settings)
            assert pool
            try:
                await pool.get_connection()
            except (RedisAway, redis.exceptions.TimeoutError) as error:
                return str(error)
            finally:
                await pool.aclose()
            return ""

        assert "CERTIFICATE_VERIFY_FAILED" not in await attempt("localhost", ours)
        assert "CERTIFICATE_VERIFY_FAILED" in await attempt("localhost", stranger)
        assert "CERTIFICATE_VERIFY_FAILED" in await attempt("127.0.0.1", ours)
