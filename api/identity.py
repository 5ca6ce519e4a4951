"""Who a credential belongs to: asked of Better-Auth's sessions, of its signing keys, or of our own API keys."""

import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from api.callers import Caller, Means
from api.credentials import Credential, JsonWebToken, PresentedKey, SessionToken
from api.problems import Problem
from api.secondary_storage import SecondaryStorage, StorageAway
from api.signing_keys import KeysAway, SigningKeys
from database.api_keys import find_api_key, note_use
from database.people import Person, Session, find_person, find_session
from settings import Settings

MOST_REMEMBERED = 10_000
Found = tuple[Caller, float]
"""A caller, and for how many seconds the credential is good."""


class Remembered:
    """Callers who were let in a moment ago; of nobody who was not. Bounded: the oldest is forgotten first."""

    def __init__(
        self, seconds: float, most: int = MOST_REMEMBERED, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._callers: OrderedDict[Credential, tuple[Caller, float]] = OrderedDict()

    def get(self, credential: Credential) -> Caller | None:
        """The caller, if that is not too long ago."""
        caller, until = self._callers.get(credential, (None, 0.0))
        return caller if self._clock() < until else None

    def keep(self, credential: Credential, caller: Caller, seconds_left: float) -> None:
        """Remember a caller, never beyond the end of the credential."""
        if self._seconds:
            self._callers.pop(credential, None)
            self._callers[credential] = (caller, self._clock() + min(self._seconds, seconds_left))
            if len(self._callers) > self._most:
                self._callers.popitem(last=False)

    def forget(self, credential: Credential) -> None:
        """What was good is not any more."""
        self._callers.pop(credential, None)


class Identity:
    """Tells whose a credential is."""

    def __init__(
        self,
        engine: AsyncEngine,
        storage: SecondaryStorage | None,
        keys: SigningKeys | None,
        remembered: Remembered,
    ) -> None:
        self._engine, self._storage, self._keys, self._remembered = engine, storage, keys, remembered

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, settings: Settings, engine: AsyncEngine) -> AsyncIterator[Self]:
        """The sources of an installation; nothing connects before the first question."""
        async with SecondaryStorage.opened(settings) as storage, SigningKeys.opened(settings) as keys:
            yield cls(engine, storage, keys, Remembered(settings.auth_cache_seconds))

    async def caller(self, credential: Credential, *, anew: bool) -> Caller | None:
        """The caller of a credential, None when it is not good (any more).

        ``anew`` asks the source whatever is remembered. Raises the problem ``temporarily_unavailable`` when nobody can
        tell.
        """
        if not anew and (known := self._remembered.get(credential)):
            return known
        match credential:
            case SessionToken(token):
                found = await self._of_session(token)
            case JsonWebToken(text):
                found = await self._of_jwt(text)
            case PresentedKey(digest, on_behalf_of):
                found = await self._of_key(digest, on_behalf_of)
        if found is None:
            self._remembered.forget(credential)
            return None
        self._remembered.keep(credential, *found)
        return found[0]

    async def _of_session(self, token: str) -> Found | None:
        """Redis first, as Better-Auth does; then PostgreSQL, where sessions are without Redis or beside it."""
        is_away = False
        if self._storage is not None:
            try:
                session = await self._storage.find(token)
                if session is not None:
                    return await self._unless_revoked(session, await find_person(self._engine, session.user_id))
            except StorageAway:
                is_away = True
        row = await find_session(self._engine, token)
        if row is None and is_away:
            raise _nobody_can_tell()
        if row is None:
            return None
        try:
            return await self._unless_revoked(*row)
        except StorageAway:  # the row decides alone: what is revoked is deleted there
            return _admitted(*row)

    async def _unless_revoked(self, session: Session, person: Person | None) -> Found | None:
        found = _admitted(session, person)
        return None if found and await self._was_revoked(session.user_id, session.created_ms) else found

    async def _of_jwt(self, text: str) -> Found | None:
        """A JWT names no session, so signing out does not end it; a ban, its time and a revocation of all do."""
        try:
            claims = await self._keys.claims_of(text) if self._keys else None
        except KeysAway:
            raise _nobody_can_tell() from None
        person = await find_person(self._engine, claims.user_id) if claims else None
        if claims is None or person is None or person.is_banned:
            return None
        try:
            if await self._was_revoked(person.id, claims.issued_ms):
                return None
        except StorageAway:  # there is no row of a JWT that could decide
            raise _nobody_can_tell() from None
        caller = Caller(person.id, Means.JWT, person.roles, impersonated_by=claims.impersonated_by)
        return caller, claims.seconds_left

    async def _of_key(self, digest: str, on_behalf_of: str | None) -> Found | None:
        key = await find_api_key(self._engine, digest, on_behalf_of)
        if key is None:
            return None
        if key.person is None or key.person.is_banned:
            raise Problem("forbidden", "An API key acts for a user: name one that exists in X-On-Behalf-Of.")
        if key.use_is_news:
            await note_use(self._engine, key.id)
        caller = Caller(key.person.id, Means.API_KEY, api_key=str(key.id), scopes=key.scopes)
        return caller, float("inf")

    async def _was_revoked(self, user_id: str, created_ms: float) -> bool:
        return self._storage is not None and await self._storage.has_revoked(user_id, created_ms)


def _admitted(session: Session, person: Person | None) -> Found | None:
    """PostgreSQL has the last word on who is banned and who is what: the copy beside a session may be old."""
    if person is None or person.is_banned or session.seconds_left <= 0:
        return None
    caller = Caller(person.id, Means.SESSION, person.roles, impersonated_by=session.impersonated_by)
    return caller, session.seconds_left


def _nobody_can_tell() -> Problem:
    return Problem("temporarily_unavailable", "Nobody can tell right now who you are; please try again in a moment.")
