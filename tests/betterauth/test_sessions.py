"""Sessions that the real Better-Auth made: let in while they live, and not a moment longer."""

import json

from redis.asyncio import Redis

from local import betterauth
from tests.betterauth.conftest import SECRET, Town
from tests.betterauth.people import session_cookie, sign_in


async def test_who_signs_in_is_let_in_until_they_sign_out(each_town: Town) -> None:
    ada = await each_town.citizen()
    for kind, headers in ada.credentials.items():
        assert await each_town.status(headers) == 404, kind

    await ada.post("sign-out")

    for kind, headers in ada.credentials.items():
        assert await each_town.status(headers) == 401, kind
        assert await each_town.status(headers, "DELETE", "/billing/subscriptions") == 401, kind


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


async def test_a_changed_character_is_no_session(each_town: Town) -> None:
    ada = await each_town.citizen()
    for kind, headers in ada.credentials.items():
        ((name, value),) = headers.items()
        at = value.index(ada.token[:8])
        other = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]

        assert await each_town.status({name: other}) == 401, kind
