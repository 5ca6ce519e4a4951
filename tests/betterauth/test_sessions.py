"""Sessions that the real Better-Auth made: let in while they live, and not a moment longer."""

import json
from pathlib import Path

import psycopg
from redis.asyncio import Redis

from database.session import migrate
from local import betterauth
from tests.betterauth.conftest import SECRET, Town, town
from tests.betterauth.people import session_cookie, sign_in
from tests.fixtures.better_auths import BetterAuth

COLUMNS = """
select table_name, column_name, data_type, is_nullable, column_default
from information_schema.columns
where table_schema = 'public' and table_name in ('user', 'session', 'account', 'verification') order by 1, 2
"""
INDEXES = """
select tablename, indexname, indexdef from pg_indexes
where schemaname = 'public' and tablename in ('user', 'session', 'account', 'verification') order by 1, 2
"""


async def test_who_signs_in_is_let_in_until_they_sign_out(each_town: Town) -> None:
    ada = await each_town.citizen()
    for kind, headers in ada.credentials.items():
        assert await each_town.status(headers) == 404, kind

    await ada.post("sign-out")

    for kind, headers in ada.credentials.items():
        assert await each_town.status(headers) == 401, kind
        assert await each_town.status(headers, "DELETE", "/billing/subscriptions") == 401, kind


async def test_the_secure_cookie_and_another_prefix(better_auth_folder: Path, tmp_path: Path, database: str) -> None:
    wishes = {"useSecureCookies": True, "cookiePrefix": "acme"}
    async with town(better_auth_folder, tmp_path, database, None, wishes, auth_cookie_prefix="acme") as secure:
        ada = await secure.citizen()
        assert ada.cookie.startswith("__Secure-acme.session_token=")
        assert await secure.status({"Cookie": ada.cookie}) == 404

        await ada.post("sign-out")

        assert await secure.status({"Cookie": ada.cookie}) == 401


async def test_a_ban_ends_every_session(each_town: Town) -> None:
    grace, ada = await each_town.citizen("admin"), await each_town.citizen()
    credentials = ada.credentials | {"jwt": await ada.jwt()}
    for kind, headers in credentials.items():
        assert await each_town.status(headers) == 404, kind

    await grace.post("admin/ban-user", userId=ada.id, banReason="spam")

    for kind, headers in credentials.items():
        assert await each_town.status(headers) == 401, kind


async def test_a_session_that_is_over(each_town: Town, redis: Redis) -> None:
    ada = await each_town.citizen()
    key = f"better-auth:{ada.token}"
    if stored := await redis.get(key):
        both = json.loads(stored)
        both["session"]["expiresAt"] = "2026-01-01T00:00:00.000Z"
        await redis.set(key, json.dumps(both))
    each_town.api.rows("""update session set "expiresAt" = now() - interval '1 second' where token = %s""", ada.token)

    for kind, headers in ada.credentials.items():
        assert await each_town.status(headers) == 401, kind


async def test_a_role_counts_from_the_moment_it_is_given(each_town: Town) -> None:
    grace, ada = await each_town.citizen("admin"), await each_town.citizen()
    headers, path = ada.credentials["cookie"], f"/billing/admin/users/{grace.id}/subscription"
    assert await each_town.status(headers, path=path) == 403

    await grace.post("admin/set-role", userId=ada.id, role="support")
    assert await each_town.status(headers, path=path) == 404

    await grace.post("admin/set-role", userId=ada.id, role="user")
    assert await each_town.status(headers, path=path) == 403


async def test_an_administrator_looks_through_a_users_eyes(each_town: Town) -> None:
    grace, ada = await each_town.citizen("admin"), await each_town.citizen()
    each_town.api.subscribed(ada.id, status="active")
    answer = await grace.post("admin/impersonate-user", userId=ada.id)
    headers = {"Cookie": session_cookie(answer)}

    assert await each_town.status(headers) == 200
    assert await each_town.status(headers, "DELETE", "/billing/subscriptions") == 200
    operation = each_town.api.row("select actor from billing.operations where user_id = %s", ada.id)
    assert operation["actor"] == f"impersonator:{grace.id}"
    assert await each_town.status(headers, "DELETE", "/billing/account") == 403
    portal = {"return_url": "https://app.example.com/"}
    assert (await each_town.api.client.post("/billing/portal", json=portal, headers=headers)).status_code == 403


async def test_revoking_all_sessions_ends_those_that_redis_brings_back(each_town: Town, redis: Redis) -> None:
    ada = await each_town.citizen()
    key = f"better-auth:{ada.token}"
    stored = await redis.get(key)
    await ada.post("revoke-sessions")

    if stored:
        assert int(await redis.get(f"better-auth:revoked-sessions-before-{ada.id}")) > 0
        await redis.set(key, stored)

    assert await each_town.status(ada.credentials["cookie"]) == 401
    again = await sign_in(each_town.auth.url, ada.email)
    assert await each_town.status(again.credentials["cookie"]) == 404


async def test_another_key_of_better_auths_is_no_session(each_town: Town) -> None:
    ada = await each_town.citizen()

    for token in (f"active-sessions-{ada.id}", f"revoked-sessions-before-{ada.id}", "verification:x"):
        signed = betterauth.signed(token, SECRET)
        assert await each_town.status({"Authorization": f"Bearer {token}"}) == 401
        assert await each_town.status({"Authorization": f"Bearer {signed}"}) == 401


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
        both = {"auth_secret": new, "auth_previous_secrets": SECRET}
    async with town(better_auth_folder, tmp_path, database, None, rotated, **both) as meanwhile:
        assert await meanwhile.status({"Cookie": ada.cookie}) == 404
        assert await meanwhile.status({"Cookie": again.cookie}) == 404


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
        migrate(url)
    async with town(better_auth_folder, tmp_path, url, None, {"bare": True}) as bare:
        ada = await bare.citizen()
        assert await bare.status({"Cookie": ada.cookie}) == 404
        assert await bare.status({"Cookie": ada.cookie}, path="/billing/admin/users/x/letters") == 403

        await ada.post("sign-out")

        assert await bare.status({"Cookie": ada.cookie}) == 401


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


async def test_a_changed_character_is_no_session(each_town: Town) -> None:
    ada = await each_town.citizen()
    for kind, headers in ada.credentials.items():
        ((name, value),) = headers.items()
        at = value.index(ada.token[:8])
        other = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]

        assert await each_town.status({name: other}) == 401, kind
