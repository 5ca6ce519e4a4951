"""How often somebody may ask: counted in Redis for all processes together, or in this one when Redis is away.

One round trip a request, and none for what Stripe signed.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

import asyncio
import contextlib
import ipaddress
import math
import time
from collections.abc import AsyncIterator, Mapping
from enum import StrEnum

import structlog
from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

import telemetry
from api.origins import SAFE
from api.problems import Problem
from database.redis_pool import PATIENCE_SECONDS, redis_pool
from settings import Settings

AWAY_SECONDS = 5.0
"""How long a Redis that did not answer is left alone; meanwhile this process counts by itself."""
SWEEP_SECONDS = 10.0
_PREFIX = "perennial:rates"


class Rate(StrEnum):
    """What is counted apart."""

    READS = "reads"
    WRITES = "writes"
    ANONYMOUS = "anonymous"
    FAILED_SIGN_INS = "failed_sign_ins"
    WEBHOOKS = "webhooks"


class Memory(MemoryStorage):
    """The library's, without its walk through everybody's counters at each request."""

    def __init__(self) -> None:
        super().__init__()
        self._next_sweep = 0.0

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """See the library's; what is over is dropped every few seconds."""
        now = time.time()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            for old in [one for one, ends in self.expirations.items() if ends <= now]:
                await self.clear(old)
        await self.get(key)
        self.storage[key] += amount
        if self.storage[key] == amount:
            self.expirations[key] = now + expiry
        return self.storage[key]


class RateLimits:
    """Counts, and raises the problem ``rate_limited`` when it is too often. Redis is used while it answers."""

    def __init__(self, settings: Settings, pool: ConnectionPool | None = None) -> None:
        self._items = _items(settings)
        self._own = SlidingWindowCounterRateLimiter(Memory())
        self._shared = _in_redis(pool) if pool else None
        self._away_until = 0.0

    async def admit(self, request: Request, user_id: str) -> None:
        """A signed-in user's request."""
        await self._count(request, Rate.READS if request.method in SAFE else Rate.WRITES, user_id)

    async def admit_anonymous(self, request: Request) -> None:
        """A request without a credential, or one that was refused before anybody looked at it."""
        await self._count(request, Rate.ANONYMOUS, _network(request))

    async def admit_failure(self, request: Request) -> None:
        """A request whose credential is none, or acts for nobody. A good one from the same address is let in all the
        same: guessing a token is hopeless, and locking out everybody behind one address is not."""
        await self._count(request, Rate.FAILED_SIGN_INS, _network(request))

    async def admit_forgery(self, request: Request) -> None:
        """A webhook that Stripe has not signed, or not just now."""
        await self._count(request, Rate.WEBHOOKS, _network(request))

    def admit_stripe(self, request: Request) -> None:
        """A webhook that Stripe has signed, which is never limited, whatever is in it."""
        request.state.is_counted = True

    async def _count(self, request: Request, rate: Rate, whose: str) -> None:
        request.state.is_counted = True
        item = self._items[rate]
        if item is None:
            return
        limiter = self._limiter()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS if limiter is self._shared else None):
                if await limiter.hit(item, rate, whose):
                    return
                stats = await limiter.get_window_stats(item, rate, whose)
        except (RedisError, OSError, TimeoutError) as error:
            if limiter is self._own:
                raise
            structlog.get_logger(__name__).warning("redis_away", reason=type(error).__name__)
            self._away_until = time.monotonic() + AWAY_SECONDS
            await self._count(request, rate, whose)
            return
        telemetry.RATE_LIMITED.labels(rate).inc()
        raise _too_often(rate, item, max(1, math.ceil(stats.reset_time - time.time())))

    def _limiter(self) -> SlidingWindowCounterRateLimiter:
        if self._shared is None or time.monotonic() < self._away_until:
            return self._own
        return self._shared


def is_counted(request: Request) -> bool:
    """Whether somebody was charged with this request already, or it is Stripe's."""
    return getattr(request.state, "is_counted", False)


@contextlib.asynccontextmanager
async def counting(settings: Settings) -> AsyncIterator[RateLimits]:
    """The limits of one installation; nothing connects before somebody is counted."""
    pool = redis_pool(settings)
    try:
        yield RateLimits(settings, pool)
    finally:
        if pool:
            await pool.aclose()


def _in_redis(pool: ConnectionPool) -> SlidingWindowCounterRateLimiter:
    storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=_PREFIX, connection_pool=pool)  # type: ignore[arg-type]
    return SlidingWindowCounterRateLimiter(storage)


def _items(settings: Settings) -> Mapping[Rate, RateLimitItem | None]:
    written = {rate: str(getattr(settings, f"rate_{rate}")) for rate in Rate}
    return {rate: None if text == "off" else parse(text) for rate, text in written.items()}


def _network(request: Request) -> str:
    """Who has one IPv6 address has a whole /64 of them (RFC 6177 section 2)."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def _too_often(rate: Rate, item: RateLimitItem, seconds: int) -> Problem:
    headers = {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"{rate}";q={item.amount};w={item.get_expiry()}',
        "RateLimit": f'"{rate}";r=0;t={seconds}',
    }
    return Problem("rate_limited", f"Please ask again in {seconds} s.", headers=headers)
