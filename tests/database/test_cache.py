"""Copies in Redis: never older than a few seconds, never older than a save that has been told, never in the way."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import pytest_asyncio
import redis
from sqlalchemy.ext.asyncio import AsyncEngine

import database.cache
from database.cache import Cache, open_cache
from database.session import make_engine
from local.ports import HOST
from local.valkey import Valkey
from local.waiting import until
from settings import Settings
from tests.api.conftest import make_settings

SECONDS = 20
KEY = "perennial:subscription:ada"


@dataclass
class Shop:
    """One user's projection, and two programs that look at it."""

    database: str
    engine: AsyncEngine
    cache: Cache
    other: Cache
    valkey: redis.Redis

    def save(self, plan: str) -> None:
        with psycopg.connect(self.database) as connection:
            connection.execute("update billing.subscriptions set plan = %s, seq = seq + 1", (plan,))

    async def plan(self, cache: Cache | None = None) -> str:
        row = await (cache or self.cache).subscription(self.engine, "ada")
        return str((row or {})["plan"])


def settings(database: str, valkey: Valkey, seconds: int = SECONDS) -> Settings:
    return make_settings(database, redis_url=valkey.url, cache_seconds=seconds)


@pytest_asyncio.fixture
async def shop(database: str, valkey: Valkey) -> AsyncIterator[Shop]:
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into billing.subscriptions (user_id, status, plan, trial_ends_at, policy, seq) "
            "values ('ada', 'trialing', 'BASIC', now(), '{\"grace_days\": 14}', 1)"
        )
    installed = settings(database, valkey)
    engine = make_engine(installed)
    client = redis.Redis.from_url(valkey.url)
    async with open_cache(installed) as cache, open_cache(installed) as other:
        yield Shop(database, engine, cache, other, client)
    client.close()
    await engine.dispose()


async def test_a_copy_is_the_row_itself(shop: Shop) -> None:
    first = await shop.cache.subscription(shop.engine, "ada")
    shop.save("PRO")
    copied = await shop.other.subscription(shop.engine, "ada")

    assert copied == first
    assert (copied or {})["trial_ends_at"].tzinfo is not None
    assert 0 < shop.valkey.ttl(KEY) <= SECONDS


async def test_who_never_subscribed_has_no_copy(shop: Shop) -> None:
    assert await shop.cache.subscription(shop.engine, "bob") is None
    assert shop.valkey.keys() == [], "so the first subscription is seen at once"


async def test_a_change_is_seen_at_once_by_everybody(shop: Shop) -> None:
    assert await shop.plan() == "BASIC"
    shop.save("PRO")
    await shop.other.changed("ada")

    assert await shop.plan() == await shop.plan(shop.other) == "PRO"
    assert shop.valkey.get(KEY) == b"-", "nothing is copied until all who may have read the old row are done"
    assert shop.valkey.ttl(KEY) > SECONDS


async def test_a_slow_reader_leaves_no_old_row_behind(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader has the old row in hand when the save commits and is told; then it goes on."""
    has_read, may_go_on = asyncio.Event(), asyncio.Event()
    read = database.cache.read_subscription

    async def slowly(engine: AsyncEngine, user_id: str) -> dict[str, Any] | None:
        row = await read(engine, user_id)
        has_read.set()
        await may_go_on.wait()
        return row

    monkeypatch.setattr(database.cache, "read_subscription", slowly)
    reader = asyncio.create_task(shop.plan())
    await has_read.wait()
    shop.save("PRO")
    await shop.other.changed("ada")
    may_go_on.set()

    assert await reader == "BASIC", "it asked before"
    assert await shop.plan() == await shop.plan(shop.other) == "PRO"


async def test_a_reader_who_is_slower_than_any_mark_copies_nothing(shop: Shop, database: str, valkey: Valkey) -> None:
    moments = itertools.count(100, SECONDS)
    async with open_cache(settings(database, valkey), clock=lambda: next(moments)) as slow:
        assert await shop.plan(slow) == "BASIC"

    assert shop.valkey.keys() == []


async def test_a_copy_goes_by_itself_when_nobody_tells(database: str, shop: Shop, valkey: Valkey) -> None:
    async with open_cache(settings(database, valkey, seconds=1)) as short:
        assert await shop.plan(short) == "BASIC"
        shop.save("PRO")

        async def is_gone() -> bool:
            return await shop.plan(short) == "PRO"

        await until(is_gone, within=10, what="the old copy is still shown")


@pytest.mark.parametrize("found", [b"", b"nonsense", b"[]", b"7", b'{"plan": "ENTERPRISE"}', b"\xff"])
async def test_what_is_no_copy_of_ours_is_not_believed(shop: Shop, found: bytes) -> None:
    shop.valkey.set(KEY, found)

    assert await shop.plan() == "BASIC"


async def test_without_redis_it_is_as_without_a_cache(shop: Shop, valkey: Valkey) -> None:
    await shop.plan()
    await valkey.stop()
    shop.save("PRO")

    assert await shop.plan() == "PRO"
    await shop.cache.changed("ada")
    await valkey.start()
    shop.save("FREE")
    assert await shop.plan() == "FREE", "it is not asked again at once"


async def test_a_redis_that_accepts_and_says_nothing_holds_nobody_up(shop: Shop, database: str) -> None:
    asked = []

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silence, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        silent = make_settings(database, redis_url=f"redis://{HOST}:{port}", cache_seconds=SECONDS)
        async with asyncio.timeout(30), open_cache(silent) as cache:
            for _ in range(200):
                assert await shop.plan(cache) == "BASIC"
            assert len(asked) == 1, "after one silence PostgreSQL is asked alone"


async def test_without_a_redis_or_seconds_there_are_no_copies(database: str, shop: Shop, valkey: Valkey) -> None:
    for off in (settings(database, valkey, seconds=0), make_settings(database, cache_seconds=SECONDS)):
        async with open_cache(off) as cache:
            assert await shop.plan(cache) == "BASIC"
            await cache.changed("ada")
    assert shop.valkey.keys() == []
