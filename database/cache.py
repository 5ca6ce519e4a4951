"""A short memory of what is read often, in Redis: right without it, and nothing is lost with it.

A copy of a user's projection lives for a few seconds. Whoever changed it leaves a mark in its place, which outlives
every read that may have begun before; a copy is only ever put where there is nothing. So a slow reader's old row never
lands behind a save, and what a lost mark may cost is bounded by the copy's short life.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import DateTime
from sqlalchemy.ext.asyncio import AsyncEngine

import telemetry
from database import tables
from database.reading import read_subscription
from settings import Settings

PATIENCE_SECONDS = 0.1
"""PostgreSQL answers in less: nobody waits longer for a shortcut."""
AWAY_SECONDS = 5.0
"""How long Redis is not asked again after it did not answer."""
MARGIN_SECONDS = 2
CHANGED = b"-"

_COLUMNS = {column.name for column in tables.subscriptions.c} | {"customer_currency", "clock_offset_seconds"}
_MOMENTS = [column.name for column in tables.subscriptions.c if isinstance(column.type, DateTime)]
_AWAY = (RedisError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class Cache:
    """Without a client it remembers nothing."""

    def __init__(
        self, client: Redis | None = None, seconds: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._clock = clock
        self._asked_again_at = 0.0

    async def subscription(self, engine: AsyncEngine, user_id: str) -> dict[str, Any] | None:
        """The user's projection as `database.reading.read_subscription` gives it, perhaps some seconds old.

        Never for a decision, and never for who has just written: see `changed`.
        """
        client, key, began = self._client, _key(user_id), self._clock()
        if client is None or began < self._asked_again_at:
            return await read_subscription(engine, user_id)
        try:
            found = await client.get(key)
        except _AWAY as error:
            telemetry.COPIES.labels("away").inc()
            self._note_away(error)
            return await read_subscription(engine, user_id)
        known = _row(found) if found and found != CHANGED else None
        telemetry.COPIES.labels("found" if known else "not_found").inc()
        if known:
            return known
        row = await read_subscription(engine, user_id)
        is_fresh = self._clock() - began < self._seconds
        if row is not None and found is None and is_fresh:
            with self._forgiving():
                await client.set(key, orjson.dumps(row), nx=True, px=self._seconds * 1000)
        return row

    async def changed(self, user_id: str) -> None:
        """The projection has changed: until every reader who may have seen the old one is done, PostgreSQL is read.

        Call it after the commit. It is asked for also while Redis seems to be away.
        """
        if self._client is not None:
            with self._forgiving():
                await self._client.set(_key(user_id), CHANGED, ex=self._seconds + MARGIN_SECONDS)

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except _AWAY as error:
            self._note_away(error)

    def _note_away(self, error: BaseException) -> None:
        if self._clock() >= self._asked_again_at:
            log.warning("redis_away", reason=type(error).__name__)
        self._asked_again_at = self._clock() + AWAY_SECONDS


@contextlib.asynccontextmanager
async def open_cache(settings: Settings, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[Cache]:
    """The installation's cache; nothing connects before it is used."""
    if settings.redis_url is None or not settings.cache_seconds:
        yield Cache()
        return
    client = Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield Cache(client, settings.cache_seconds, clock)
    finally:
        await client.aclose()


def _key(user_id: str) -> str:
    return f"perennial:subscription:{user_id}"


def _row(found: bytes | str) -> dict[str, Any] | None:
    """What was kept; None when it is nothing that this program wrote, such as an older one's row."""
    try:
        row: dict[str, Any] = orjson.loads(found)
        if not row.keys() >= _COLUMNS:
            return None
        return row | {name: datetime.fromisoformat(row[name]) for name in _MOMENTS if row[name] is not None}
    except (ValueError, AttributeError, TypeError):
        return None
