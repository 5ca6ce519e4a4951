"""Better-Auth's secondary storage: sessions in Redis, as ``@better-auth/redis-storage`` writes them.

``{prefix}{token}`` holds ``{"session": …, "user": …}``; ``{prefix}revoked-sessions-before-{user id}`` the moment in
milliseconds before which every session of a user is void.
https://www.better-auth.com/docs/concepts/database#secondary-storage
"""

import contextlib
import json
import math
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Self

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from database.people import Session
from settings import Settings

TIMEOUT_SECONDS = 0.5
PAUSE_SECONDS = 2.0
"""After a failure nobody asks for so long: a Redis that is away must not cost each request a timeout."""

VOID = Session("", 0.0, 0.0)
"""What cannot be read is no session."""

log = structlog.get_logger(__name__)


class StorageAway(Exception):
    """Redis did not answer just now, or a moment ago."""


class SecondaryStorage:
    """Reads what Better-Auth keeps in Redis; writes nothing."""

    def __init__(self, client: "Redis", prefix: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._silent_until = 0.0

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, settings: Settings) -> AsyncIterator[Self | None]:
        """The storage of an installation, or None where there is no Redis; nothing connects before it is asked."""
        if settings.redis_url is None:
            yield None
            return
        client = Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            yield cls(client, settings.auth_redis_prefix)
        finally:
            await client.aclose()

    async def find(self, token: str) -> Session | None:
        """The session of a token, which must have a token's shape: other keys share the namespace.

        None when Redis has none. Raises `StorageAway`.
        """
        stored = await self._get(token)
        return None if stored is None else _session_in(stored, token)

    async def has_revoked(self, user_id: str, created_ms: float) -> bool:
        """Whether what was created then was revoked together with all else of the user's. Raises `StorageAway`."""
        stored = await self._get(f"revoked-sessions-before-{user_id}")
        if stored is None:
            return False
        try:
            return not created_ms >= float(stored)  # also when it is not a number
        except ValueError:
            return True

    async def _get(self, key: str) -> bytes | str | None:
        if self._clock() < self._silent_until:
            raise StorageAway
        if self._silent_until:
            self._silent_until = self._clock() + PAUSE_SECONDS  # after a pause one tries, the others wait for its word
        try:
            stored: bytes | str | None = await self._client.get(self._prefix + key)
        except (RedisError, OSError) as error:
            self._silent_until = self._clock() + PAUSE_SECONDS
            log.warning("redis_away", reason=type(error).__name__)
            raise StorageAway from None
        self._silent_until = 0.0
        return stored


def _session_in(stored: bytes | str, token: str) -> Session:
    """A session as JSON; one that is banned, over, or not what it should be is void."""
    try:
        both = json.loads(stored)
        session, user = both["session"], both["user"]
        if session["token"] != token or user["id"] != session["userId"] or _is_banned(user):
            return VOID
        impersonator = session.get("impersonatedBy")
        return Session(
            user_id=str(session["userId"]),
            created_ms=_moment(session["createdAt"]) * 1000,
            seconds_left=_moment(session["expiresAt"]) - time.time(),
            impersonated_by=None if impersonator is None else str(impersonator),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return VOID


def _is_banned(user: dict[str, Any]) -> bool:
    expires = user.get("banExpires")
    return bool(user.get("banned")) and (expires is None or _moment(expires) > time.time())


def _moment(value: Any) -> float:
    """Seconds since 1970 of a moment as JavaScript writes it: ISO 8601 in UTC, or milliseconds."""
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise ValueError("no moment")
        return value / 1000
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
