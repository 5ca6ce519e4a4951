"""The real Better-Auth as teams configure it: names of cookies, secrets, plugins, and where it keeps what."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from database.session import migrate
from local import betterauth
from tests.api.conftest import make_settings, running_api
from tests.betterauth.conftest import SECRET, WAYS, town
from tests.betterauth.people import sign_in
from tests.fixtures.better_auths import BetterAuth
from tests.fixtures.databases import SERVICE

COLUMNS = """
select table_name, column_name, data_type, is_nullable, column_default
from information_schema.columns
where table_schema = 'public' and table_name in ('user', 'session', 'account', 'verification') order by 1, 2
"""
INDEXES = """
select tablename, indexname, indexdef from pg_indexes
where schemaname = 'public' and tablename in ('user', 'session', 'account', 'verification') order by 1, 2
"""


async def test_the_secure_cookie_and_another_prefix(better_auth_folder: Path, tmp_path: Path, database: str) -> None:
    wishes = {"useSecureCookies": True, "cookiePrefix": "acme"}
    async with town(better_auth_folder, tmp_path, database, None, wishes, auth_cookie_prefix="acme") as secure:
        ada = await secure.citizen()
        assert ada.cookie.startswith("__Secure-acme.session_token=")
        assert await secure.status({"Cookie": ada.cookie}) == 404

        await ada.post("sign-out")

        assert await secure.status({"Cookie": ada.cookie}) == 401


async def test_a_secondary_storage_whose_keys_have_no_prefix(
    better_auth_folder: Path, tmp_path: Path, database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_AUTH_REDIS_PREFIX", "none")
    async with town(better_auth_folder, tmp_path, database, redis_url, {"withoutPrefix": True}) as plain:
        ada = await plain.citizen()
        assert plain.rows_of(ada) == 0
        for kind, headers in (ada.credentials | {"jwt": await ada.jwt()}).items():
            assert await plain.status(headers) == 404, kind

        await ada.post("sign-out")

        for kind, headers in ada.credentials.items():
            assert await plain.status(headers) == 401, kind


async def test_a_new_secret_ends_old_cookies_unless_the_old_one_is_still_honoured(
    better_auth_folder: Path, tmp_path: Path, database: str
) -> None:
    new = "another-secret-of-the-same-team-0001"
    versions = [{"version": 2, "value": new}, {"version": 1, "value": SECRET}]
    async with town(better_auth_folder, tmp_path, database, None, {}) as before:
        ada = await before.citizen()
    rotated = {"secret": None, "secrets": versions, "port": before.auth.port}

    async with town(better_auth_folder, tmp_path, database, None, rotated, auth_secret=new) as after:
        assert await ada.get("get-session") is None, "Better-Auth itself honours only the newest"
        assert await after.status({"Cookie": ada.cookie}) == 401
        again = await sign_in(after.auth.url, ada.email)
        assert await after.status({"Cookie": again.cookie}) == 404
    both = make_settings(database, auth_secret=new, auth_previous_secrets=SECRET)
    async with running_api(both) as api:
        for user in (ada, again):
            answer = await api.client.get("/billing/subscriptions/me", headers={"Cookie": user.cookie})
            assert answer.status_code == 404


async def test_a_row_that_is_kept_for_the_record_lets_nobody_in(
    better_auth_folder: Path, tmp_path: Path, database: str, redis_url: str
) -> None:
    wishes = {"storeSessionInDatabase": True, "preserveSessionInDatabase": True}
    async with town(better_auth_folder, tmp_path, database, redis_url, wishes) as careful:
        ada = await careful.citizen()
        assert await careful.status({"Cookie": ada.cookie}) == 404

        await ada.post("sign-out")

        assert careful.rows_of(ada) == 1
        assert await careful.status({"Cookie": ada.cookie}) == 401


async def test_a_better_auth_without_plugins_lets_its_users_in_too(
    better_auth_folder: Path, tmp_path: Path, postgres_url: str
) -> None:
    """Without the admin plugin there are no roles and no bans, not even as columns."""
    url = f"{postgres_url.rpartition('/')[0]}/bare"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database bare")
    async with BetterAuth(better_auth_folder, tmp_path / "log", url, SECRET, bare=True):
        migrate(url, SERVICE)
    async with town(better_auth_folder, tmp_path, url, None, {"bare": True}) as bare:
        ada = await bare.citizen()
        assert await bare.status({"Cookie": ada.cookie}) == 404
        assert await bare.status({"Cookie": ada.cookie}, path="/billing/admin/users/x/letters") == 403

        await ada.post("sign-out")

        assert await bare.status({"Cookie": ada.cookie}) == 401


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["uuid", "serial"])
async def test_users_whose_ids_are_uuids_or_numbers_are_customers_like_others(
    better_auth_folder: Path, tmp_path: Path, postgres_url: str, redis_url: str, kind: str, way: str
) -> None:
    """https://www.better-auth.com/docs/concepts/database#id-generation"""
    name = f"ids_{kind}_{list(WAYS).index(way)}"
    url = f"{postgres_url.rpartition('/')[0]}/{name}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    wishes: dict[str, Any] = WAYS[way] | {"generateId": kind}
    theirs = redis_url if wishes.pop("redis", False) else None
    async with BetterAuth(better_auth_folder, tmp_path / "log", url, SECRET, **wishes):
        migrate(url, SERVICE)
    async with town(better_auth_folder, tmp_path, url, theirs, wishes) as both:
        ada, grace = await both.citizen(), await both.citizen("admin")
        cookie = ada.credentials["cookie"]
        both.api.door.meanwhile = lambda user_id, _: both.api.subscribed(user_id)
        body = {"plan": "BASIC", "interval": "month"}
        begun = await both.api.client.post("/billing/subscriptions", json=body, headers=cookie)
        assert begun.status_code == 201, begun.text
        for way_in, headers in (ada.credentials | {"jwt": await ada.jwt()}).items():
            assert await both.status(headers) == 200, way_in
            told = await both.api.client.get("/billing/entitlements", headers=headers)
            assert told.json()["plan"] == "BASIC", way_in
        administrated = f"/billing/admin/users/{ada.id}/subscription"
        assert await both.status(grace.credentials["cookie"], path=administrated) == 200

        await ada.post("sign-out")

        assert await both.status(cookie) == 401


async def test_the_tables_are_those_that_our_stand_in_makes(
    better_auth_folder: Path, tmp_path: Path, postgres_url: str
) -> None:
    found = []
    for number, name in enumerate(("theirs_is_real", "ours_stands_in")):
        url = f"{postgres_url.rpartition('/')[0]}/{name}"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        if number == 0:
            async with BetterAuth(better_auth_folder, tmp_path / "log", url, SECRET):
                pass
        else:
            betterauth.create_tables(url)
        with psycopg.connect(url) as connection:
            found.append([connection.execute(statement).fetchall() for statement in (COLUMNS, INDEXES)])

    theirs, ours = found
    assert ours[0]
    assert ours == theirs
