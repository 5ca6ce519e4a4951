"""Sessions that Better-Auth keeps in Redis, and what becomes of them when Redis is away."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from api.credentials import SessionToken
from api.identity import Identity, Remembered
from api.problems import Problem
from api.secondary_storage import SecondaryStorage
from database.people import Session
from database.session import make_engine
from local.betterauth import SignedInUser, new_id
from local.ports import any_free
from local.valkey import Valkey
from local.waiting import until
from tests.api.conftest import Api, as_user, assert_problem, make_settings, running_api
from tests.api.keys_of_an_app import running_app
from tests.api.redis_sessions import keep, moment, session_of, sign_in

MINE = "/billing/subscriptions/me"


@pytest_asyncio.fixture
async def api(database: str, redis_url: str) -> AsyncIterator[Api]:
    """The API with a Redis."""
    async with running_api(make_settings(database, redis_url=redis_url)) as running:
        yield running


async def status(api: Api, token: str, method: str = "GET", path: str = MINE) -> int:
    """404 for who is let in and has no subscription."""
    return (await api.client.request(method, path, headers={"Authorization": f"Bearer {token}"})).status_code


async def test_a_session_that_is_only_in_redis_is_let_in(api: Api, ada: SignedInUser, redis: Redis) -> None:
    token = await sign_in(redis, ada)
    assert await status(api, token) == 404

    await redis.delete(f"better-auth:{token}")

    assert await status(api, token) == 401


async def test_keys_of_sessions_may_have_no_prefix(
    database: str, redis_url: str, ada: SignedInUser, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_AUTH_REDIS_PREFIX", "none")
    async with running_api(make_settings(database, redis_url=redis_url)) as api:
        token = new_id()
        await redis.set(token, json.dumps(session_of(ada, token)), ex=60)
        assert await status(api, token) == 404

        await redis.delete(token)

        assert await status(api, token) == 401


async def test_a_session_that_is_only_in_postgresql_is_let_in_too(api: Api, ada: SignedInUser) -> None:
    assert await status(api, ada.token) == 404


def changed(part: str, **values: Any) -> Any:
    """A change of the stored JSON."""

    def change(stored: dict[str, Any]) -> object:
        stored[part].update(values)
        return stored

    return change


BAD = {
    "over": changed("session", expiresAt=moment(-0.001)),
    "over, in milliseconds": changed("session", expiresAt=1_700_000_000_000),
    "over in the far past": changed("session", expiresAt="0001-01-01T00:00:00.000Z"),
    "without an end": changed("session", expiresAt=None),
    "with an end that is none": changed("session", expiresAt="soon"),
    "banned": changed("user", banned=True),
    "banned until tomorrow": changed("user", banned=True, banExpires=moment(1)),
    "of another token": changed("session", token=new_id()),
    "of another user": changed("user", id=new_id()),
    "of nobody": lambda stored: json.loads(json.dumps(stored).replace(stored["user"]["id"], "nobody")),
    "not JSON": lambda _: "{",
    "JSON of another shape": lambda _: [1, 2],
    "null": lambda _: "null",
    "without a moment": changed("session", expiresAt=float("nan")),
    "for ever": changed("session", expiresAt=float("inf")),
    "a number": lambda _: "1e999",
    "deep": lambda _: "[" * 100_000,
    "without a user": lambda stored: {"session": stored["session"]},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
async def test_a_bad_session_in_redis_lets_nobody_in(api: Api, ada: SignedInUser, redis: Redis, change: Any) -> None:
    await keep(redis, ada.token, change(session_of(ada, ada.token)))

    assert await status(api, ada.token) == 401, "nor is the good row in PostgreSQL a second try"


async def test_a_ban_that_is_over_is_none(api: Api, ada: SignedInUser, redis: Redis) -> None:
    token = new_id()
    stored = session_of(ada, token)
    stored["user"] |= {"banned": True, "banExpires": moment(-0.001)}
    await keep(redis, token, stored)

    assert await status(api, token) == 404


async def test_postgresql_has_the_last_word_on_bans_and_roles(api: Api, ada: SignedInUser, redis: Redis) -> None:
    token = new_id()
    stored = session_of(ada, token)
    stored["user"]["role"] = "admin"
    await keep(redis, token, stored)
    assert await status(api, token, path="/billing/admin/users/x/letters") == 403

    api.rows('update "user" set banned = true')

    assert await status(api, token) == 401


@pytest.mark.parametrize("where", ["redis", "postgresql"])
async def test_a_revocation_of_all_ends_what_is_older(api: Api, ada: SignedInUser, redis: Redis, where: str) -> None:
    token = await sign_in(redis, ada) if where == "redis" else ada.token
    watermark = f"better-auth:revoked-sessions-before-{ada.id}"
    await redis.set(watermark, "1000")
    assert await status(api, token) == 404

    for revoked in ("9999999999999", "never", "nan"):
        await redis.set(watermark, revoked)
        assert await status(api, token) == 401


async def test_a_revocation_of_all_ends_jwts_too(
    database: str, redis_url: str, ada: SignedInUser, redis: Redis
) -> None:
    async with (
        running_app() as app,
        running_api(make_settings(database, redis_url=redis_url, auth_url=app.url)) as api,
    ):
        text = app.sign(ada.id)
        assert await status(api, text) == 404

        await redis.set(f"better-auth:revoked-sessions-before-{ada.id}", "9999999999999")

        assert await status(api, text) == 401


async def test_a_read_costs_no_more_queries_of_postgresql(api: Api, ada: SignedInUser, redis: Redis) -> None:
    token = await sign_in(redis, ada)
    api.statements.clear()

    await status(api, token)

    measured = ("billing.events", "billing.reconciliations")
    tables = [statement for statement, _ in api.statements if not any(name in statement for name in measured)]
    assert len(tables) == 2


async def test_who_looks_through_a_users_eyes_leaves_a_trace_and_may_not_everything(
    api: Api, ada: SignedInUser, bob: SignedInUser, redis: Redis
) -> None:
    api.rows("update \"user\" set role = 'admin'")
    token = await sign_in(redis, ada, impersonatedBy=bob.id)
    cards = {
        "plan": "BASIC",
        "interval": "month",
        "success_url": "https://a.example/",
        "cancel_url": "https://a.example/",
    }
    checkout = await api.client.post("/billing/checkout", json=cards, headers={"Authorization": f"Bearer {token}"})
    assert_problem(checkout, 403, "forbidden")
    api.subscribed(ada.id)

    assert await status(api, token, "DELETE", "/billing/subscriptions") == 200
    assert api.row("select actor from billing.operations") == {"actor": f"impersonator:{bob.id}"}
    for method, path in (("GET", "/billing/admin/users/x/timeline"), ("DELETE", "/billing/account")):
        assert await status(api, token, method, path) == 403


async def test_without_redis_the_rows_decide_and_nobody_else_is_let_in(database: str, ada: SignedInUser) -> None:
    async with running_api(make_settings(database, redis_url="redis://127.0.0.1:1/0")) as api:
        assert await status(api, ada.token) == 404
        stranger = await api.client.get(MINE, headers={"Authorization": f"Bearer {new_id()}"})
        assert_problem(stranger, 503, "temporarily_unavailable")
        assert int(stranger.headers["retry-after"]) > 0
        api.rows("""update session set "expiresAt" = now() - interval '1 second'""")
        assert await status(api, ada.token) == 401


async def test_without_redis_nobody_can_tell_whether_a_jwt_was_revoked(database: str, ada: SignedInUser) -> None:
    """There is no row of it that could be deleted."""
    async with (
        running_app() as app,
        running_api(make_settings(database, redis_url="redis://127.0.0.1:1/0", auth_url=app.url)) as api,
    ):
        answer = await api.client.get(MINE, headers={"Authorization": f"Bearer {app.sign(ada.id)}"})

        assert_problem(answer, 503, "temporarily_unavailable")


async def test_redis_that_leaves_between_two_questions_lets_nobody_in(
    api: Api, ada: SignedInUser, redis: Redis, redis_url: str
) -> None:
    """It has the session, and is gone when it is asked for the revocation."""
    token = await sign_in(redis, ada)
    await redis.set(f"better-auth:revoked-sessions-before-{ada.id}", "9999999999999")
    async with SecondaryStorage.opened(make_settings(api.database, redis_url=redis_url)) as storage:
        assert storage is not None
        find = storage.find

        async def find_and_leave(asked: str) -> Session | None:
            found = await find(asked)
            storage._silent_until = float("inf")
            return found

        storage.find = find_and_leave  # type: ignore[method-assign]
        engine = make_engine(api.settings)
        identity = Identity(engine, storage, None, Remembered(0))
        with pytest.raises(Problem, match="temporarily_unavailable"):
            await identity.caller(SessionToken(token), anew=True)
        await engine.dispose()


async def test_a_jwt_that_says_who_looks_through_the_users_eyes_is_not_in_person(
    database: str, ada: SignedInUser, bob: SignedInUser
) -> None:
    async with running_app() as app, running_api(make_settings(database, auth_url=app.url)) as api:
        api.subscribed(ada.id)
        named, unreadable = app.sign(ada.id, impersonatedBy=bob.id), app.sign(ada.id, impersonatedBy=["x"])

        assert await status(api, named, "DELETE", "/billing/subscriptions") == 200
        assert await status(api, unreadable) == 401
        assert api.row("select actor from billing.operations") == {"actor": f"impersonator:{bob.id}"}


async def test_a_silent_redis_costs_one_request_its_time_not_each(database: str, ada: SignedInUser) -> None:
    connected = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        await reader.read()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    silent = make_settings(database, redis_url=f"redis://127.0.0.1:{port}/0", cache_seconds=0)
    async with running_api(silent) as api:
        assert await status(api, ada.token) == 404
        asked = len(connected)
        for _ in range(5):
            assert await status(api, ada.token) == 404
        assert len(connected) == asked == 1
    for writer in connected:
        writer.close()
    server.close()


async def test_a_redis_that_comes_back_is_asked_again(database: str, ada: SignedInUser, tmp_path: Path) -> None:
    valkey = Valkey(tmp_path / "redis", password="secret", port=any_free())
    async with running_api(make_settings(database, redis_url=valkey.url)) as api:
        assert await status(api, new_id()) == 503

        async with valkey, Redis.from_url(valkey.url) as client:
            token = await sign_in(client, ada)

            async def let_in() -> bool:
                return await status(api, token) == 404

            await until(let_in, within=15, what="Redis is not asked again")
        assert await status(api, token) == 503


async def test_a_wrong_password_of_redis_is_a_redis_that_is_away(
    database: str, redis_url: str, ada: SignedInUser
) -> None:
    wrong = redis_url.replace("a-password-of-this-run", "guess")
    async with running_api(make_settings(database, redis_url=wrong)) as api:
        assert await status(api, new_id()) == 503
        assert (await api.client.get(MINE, headers=as_user(ada))).status_code == 404
