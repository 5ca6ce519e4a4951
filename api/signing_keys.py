"""JWTs of Better-Auth's jwt plugin, checked with the keys that it publishes.

EdDSA and nothing else: an algorithm that the token itself chooses is how such checks are tricked.
https://www.better-auth.com/docs/plugins/jwt, https://www.rfc-editor.org/rfc/rfc8725
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx
import jwt
import structlog
from jwt import PyJWK

from settings import Settings

ALGORITHM = "EdDSA"
FRESH_SECONDS = 600.0
"""After that they are fetched again, while the old ones are used."""
USABLE_SECONDS = 6 * 3600.0
"""How long keys are used while nobody gives us newer ones."""
FETCH_PAUSE_SECONDS = 60.0
"""An unknown ``kid`` makes us ask at most so often."""
RETRY_SECONDS = 5.0
"""The same, while there is no key at all."""
TIMEOUT_SECONDS = 3.0
LARGEST_ANSWER = 65_536
MOST_KEYS = 32
AHEAD_SECONDS = 60.0
"""How far the app's clock may be ahead of ours."""

log = structlog.get_logger(__name__)


class KeysAway(Exception):
    """There are no keys to check a token with."""


@dataclass(frozen=True)
class Claims:
    """What a token that was checked says."""

    user_id: str
    issued_ms: float
    seconds_left: float
    impersonated_by: str | None = None
    """Who looks through the user's eyes, where the app puts it in: Better-Auth's plugin does not by itself."""


class SigningKeys:
    """The public keys of one Better-Auth, fetched when somebody needs them."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._url = client, url
        self._issuer, self._audience = issuer, audience
        self._clock = clock
        self._keys: Mapping[str, PyJWK] = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, settings: Settings) -> AsyncIterator[Self | None]:
        """The keys of an installation, or None where JWTs are not let in."""
        url, base = settings.jwks_url, settings.auth_url or ""
        issuer, audience = settings.auth_jwt_issuer or base, settings.auth_jwt_audience or base
        if url is None or not issuer or not audience:
            yield None
            return
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            keys = cls(client, url, issuer, audience)
            try:
                yield keys
            finally:
                await keys.close()

    async def claims_of(self, text: str) -> Claims | None:
        """What a token says, or None when it is not good. Raises `KeysAway` when that cannot be told."""
        try:
            header = jwt.get_unverified_header(text)
            kid = header.get("kid")
            if header.get("alg") != ALGORITHM or not isinstance(kid, str):
                return None
            key = await self._key(kid)
            return None if key is None else self._checked(text, key)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            return None

    async def close(self) -> None:
        """Ask no more."""
        if self._fetching is not None:
            self._fetching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._fetching

    def _checked(self, text: str, key: PyJWK) -> Claims | None:
        said: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[ALGORITHM],
            issuer=self._issuer,
            audience=self._audience,
            options={"require": ["exp", "iat", "iss", "aud", "sub"], "verify_iat": False},
        )
        now, issued, user_id = time.time(), float(said["iat"]), said["sub"]
        if issued > now + AHEAD_SECONDS or not (isinstance(user_id, str) and user_id.isprintable() and user_id):
            return None
        impersonator = said.get("impersonatedBy")
        if not (impersonator is None or isinstance(impersonator, str)):
            return None
        return Claims(user_id, issued * 1000, float(said["exp"]) - now, impersonator)

    async def _key(self, kid: str) -> PyJWK | None:
        """The key of this name. Who has one does not wait for newer ones; who has none waits for one answer."""
        now = self._clock()
        is_usable = now - self._fetched_at < USABLE_SECONDS
        key = self._keys.get(kid) if is_usable else None
        is_wanted = key is None or now - self._fetched_at > FRESH_SECONDS
        if is_wanted and now - self._asked_at >= (FETCH_PAUSE_SECONDS if is_usable else RETRY_SECONDS):
            self._asked_at = now
            self._fetching = asyncio.create_task(self._fetch())
        if key is None and self._fetching is not None:
            await asyncio.shield(self._fetching)
            is_usable = self._clock() - self._fetched_at < USABLE_SECONDS
            key = self._keys.get(kid) if is_usable else None
        if not is_usable:
            raise KeysAway
        return key

    async def _fetch(self) -> None:
        try:
            answer = await self._client.get(self._url)
            answer.raise_for_status()
            if len(answer.content) > LARGEST_ANSWER:
                raise ValueError("too large")
            self._keys = _keys_in(answer.json())
            self._fetched_at = self._clock()
        except (httpx.HTTPError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("signing_keys_away", reason=type(error).__name__)


def _keys_in(document: Any) -> dict[str, PyJWK]:
    """The Ed25519 keys of a set (RFC 7517, RFC 8037); others are left alone."""
    found: dict[str, PyJWK] = {}
    for entry in document["keys"][:MOST_KEYS]:
        is_ours = entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519" and entry.get("alg") in {None, ALGORITHM}
        if is_ours and isinstance(entry.get("kid"), str):
            with contextlib.suppress(jwt.PyJWTError):
                found[entry["kid"]] = PyJWK(entry, algorithm=ALGORITHM)
    return found
