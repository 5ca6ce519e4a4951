"""A real Better-Auth beside a running Perennial, in each way of keeping sessions."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.api.conftest import Api, make_settings, new_database, running_api
from tests.betterauth.people import User, sign_in, sign_up
from tests.fixtures.better_auths import BetterAuth

SECRET = "0123456789abcdef-0123456789ABCDEF"
MINE = "/billing/subscriptions/me"
_numbers = itertools.count(1)
WAYS = {
    "in PostgreSQL": {},
    "in Redis": {"redis": True},
    "in both": {"redis": True, "storeSessionInDatabase": True},
}


@dataclass
class Town:
    """Better-Auth, and Perennial that reads what it wrote."""

    auth: BetterAuth
    api: Api

    async def citizen(self, role: str | None = None) -> User:
        """A new user with a session; a role is there before the session is."""
        user = await sign_up(self.auth.url, f"Citizen{next(_numbers)}")
        if role is None:
            return user
        self.api.rows('update "user" set role = %s where id = %s', role, user.id)
        return await sign_in(self.auth.url, user.email)

    async def status(
        self, headers: dict[str, str], method: str = "GET", path: str = "/billing/subscriptions/me"
    ) -> int:
        """How Perennial answers: signed in, there is no subscription, which is 404."""
        return (await self.api.client.request(method, path, headers=headers)).status_code

    def rows_of(self, user: User) -> int:
        """How many sessions of a user PostgreSQL has."""
        return len(self.api.rows('select id from session where "userId" = %s', user.id))


@contextlib.asynccontextmanager
async def town(
    folder: Path, tmp_path: Path, database: str, redis_url: str | None, wishes: dict[str, Any], **settings: Any
) -> AsyncIterator[Town]:
    """The two, side by side on one database."""
    wishes = {"secret": SECRET} | wishes | ({"redis": redis_url} if redis_url else {})
    async with BetterAuth(folder, tmp_path / "better_auth.log", database, **wishes) as auth:
        chosen = {"auth_secret": SECRET, "auth_url": auth.url, "redis_url": redis_url} | settings
        async with running_api(make_settings(database, **chosen)) as api:
            yield Town(auth, api)


@pytest_asyncio.fixture(scope="module", params=WAYS.values(), ids=WAYS)
async def each_town(
    request: pytest.FixtureRequest,
    better_auth_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_url: str,
    migrated_template: str,
    redis_url: str,
) -> AsyncIterator[Town]:
    """Better-Auth in each way of keeping sessions; its users are told apart by their names."""
    wishes = dict(request.param)
    theirs = redis_url if wishes.pop("redis", False) else None
    folder = tmp_path_factory.mktemp("town")
    async with (
        new_database(postgres_url, migrated_template) as database,
        town(better_auth_folder, folder, database, theirs, wishes) as both,
    ):
        yield both


@pytest_asyncio.fixture(scope="module")
async def hasty_town(
    better_auth_folder: Path, tmp_path_factory: pytest.TempPathFactory, postgres_url: str, migrated_template: str
) -> AsyncIterator[Town]:
    """Sessions in PostgreSQL, and JWTs that are soon over."""
    folder = tmp_path_factory.mktemp("town")
    async with (
        new_database(postgres_url, migrated_template) as database,
        town(better_auth_folder, folder, database, None, {"jwtExpirationTime": "3s"}) as both,
    ):
        yield both
