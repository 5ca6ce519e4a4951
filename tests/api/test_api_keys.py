"""Servers that act for a named user: only for one that exists, only what their key names, only until it is revoked."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from database.api_keys import Scope, make_api_key
from database.audit import Act
from database.session import make_engine
from local.betterauth import SignedInUser
from tests.api.conftest import Api, assert_problem

MINE = "/billing/subscriptions/me"
CARD = {"plan": "PRO", "interval": "month", "payment_method": "pm_1"}
OPERATORS = (
    ("POST", "/billing/admin/users/ada/refunds"),
    ("POST", "/billing/admin/users/ada/trial"),
    ("GET", "/billing/admin/users/ada/subscription"),
    ("GET", "/billing/admin/users/ada/timeline"),
    ("GET", "/billing/admin/users/ada/letters"),
    ("POST", "/billing/admin/users/ada/letters/00000000-0000-0000-0000-000000000000/resend"),
    ("GET", "/billing/admin/operations/00000000-0000-0000-0000-000000000000"),
)

Made = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture
async def made(api: Api) -> Any:
    """Makes a key with these scopes; its secret."""
    engine: AsyncEngine = make_engine(api.settings)

    async def make(*scopes: Scope) -> str:
        _, secret = await make_api_key(engine, "backend", scopes, Act("cli:tests", "create_api_key"))
        return secret

    yield make
    await engine.dispose()


async def ask(api: Api, secret: str, user: str | None, method: str = "GET", path: str = MINE, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {secret}"} | ({"X-On-Behalf-Of": user} if user else {})
    return await api.client.request(method, path, headers=headers | more.pop("headers", {}), **more)


async def test_a_server_reads_for_a_user(api: Api, ada: SignedInUser, bob: SignedInUser, made: Made) -> None:
    secret = await made(Scope.SUBSCRIPTIONS_READ)
    api.subscribed(ada.id)

    assert (await ask(api, secret, ada.id)).json()["plan"] == "BASIC"
    assert_problem(await ask(api, secret, bob.id), 404, "no_subscription")


async def test_a_key_does_what_it_names_and_nothing_else(api: Api, ada: SignedInUser, made: Made) -> None:
    api.subscribed(ada.id)
    reads, writes = await made(Scope.SUBSCRIPTIONS_READ), await made(Scope.SUBSCRIPTIONS_WRITE)
    cards = await made(Scope.SUBSCRIPTIONS_WRITE, Scope.PAYMENT_METHODS_WRITE)
    neither = await made(Scope.ENTITLEMENTS_READ)

    assert (await ask(api, writes, ada.id, "DELETE", "/billing/subscriptions")).status_code == 200
    assert_problem(await ask(api, writes, ada.id), 403, "forbidden")
    assert_problem(await ask(api, reads, ada.id, "DELETE", "/billing/subscriptions"), 403, "forbidden")
    assert_problem(await ask(api, neither, ada.id), 403, "forbidden")
    assert_problem(await ask(api, writes, ada.id, "POST", "/billing/subscriptions", json=CARD), 403, "forbidden")
    assert (await ask(api, cards, ada.id, "POST", "/billing/subscriptions", json=CARD)).status_code == 201


async def test_whoever_asked_may_hear_how_it_ended(api: Api, ada: SignedInUser, made: Made) -> None:
    api.subscribed(ada.id)
    api.door.says = None
    secret = await made(Scope.SUBSCRIPTIONS_WRITE)

    accepted = await ask(api, secret, ada.id, "DELETE", "/billing/subscriptions")

    told = await ask(api, secret, ada.id, path=accepted.headers["location"])
    assert (accepted.status_code, told.status_code, told.json()["status"]) == (202, 200, "pending")
    stranger = await made(Scope.ENTITLEMENTS_READ)
    assert_problem(await ask(api, stranger, ada.id, path=accepted.headers["location"]), 403, "forbidden")


async def test_a_key_with_every_scope_is_no_operator_and_no_person(api: Api, ada: SignedInUser, made: Made) -> None:
    api.rows("update \"user\" set role = 'admin'")
    secret = await made(*Scope)

    for method, path in OPERATORS:
        assert_problem(await ask(api, secret, ada.id, method, path, json={}), 403, "session_required")
    portal = {"return_url": "https://app.example.com/"}
    assert_problem(await ask(api, secret, ada.id, "POST", "/billing/portal", json=portal), 403, "session_required")
    assert_problem(await ask(api, secret, ada.id, "DELETE", "/billing/account"), 403, "session_required")
    assert_problem(await ask(api, secret, ada.id, path="/billing/export"), 403, "forbidden")
    assert api.door.carried_out == []


@pytest.mark.parametrize("user", [None, "nobody", "", "two users", "x" * 300])
async def test_a_key_without_a_user_that_exists_does_nothing(api: Api, made: Made, user: str | None) -> None:
    assert_problem(await ask(api, await made(*Scope), user), 403, "forbidden")


async def test_a_key_for_two_users_or_for_a_banned_one_does_nothing(
    api: Api, ada: SignedInUser, bob: SignedInUser, made: Made
) -> None:
    secret = await made(*Scope)
    two = [("Authorization", f"Bearer {secret}"), ("X-On-Behalf-Of", ada.id), ("X-On-Behalf-Of", bob.id)]
    assert_problem(await api.client.get(MINE, headers=two), 403, "forbidden")
    assert_problem(await ask(api, secret, ada.id), 404, "no_subscription")

    api.rows('update "user" set banned = true')

    assert_problem(await ask(api, secret, ada.id), 403, "forbidden")


async def test_a_revoked_key_is_nobodys(api: Api, ada: SignedInUser, made: Made) -> None:
    secret = await made(*Scope)
    assert_problem(await ask(api, secret, ada.id), 404, "no_subscription")

    api.rows("update billing.api_keys set revoked_at = now()")

    assert_problem(await ask(api, secret, ada.id), 401, "not_signed_in")


async def test_a_session_does_not_act_for_others(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    api.subscribed(bob.id)

    assert_problem(await ask(api, ada.token, bob.id), 404, "no_subscription")


async def test_who_asked_is_kept_and_the_servers_key_for_a_request_is_its_own(
    api: Api, ada: SignedInUser, made: Made
) -> None:
    api.subscribed(ada.id)
    secret = await made(Scope.SUBSCRIPTIONS_WRITE)
    named = {"headers": {"Idempotency-Key": "one"}}
    theirs = await ask(api, secret, ada.id, "DELETE", "/billing/subscriptions", **named)
    hers = await ask(api, ada.token, None, "POST", "/billing/subscriptions/resume", **named)

    assert (theirs.status_code, hers.status_code) == (200, 200)
    asked = api.rows("select kind, actor from billing.operations order by created_at")
    key_id = api.row("select id from billing.api_keys")["id"]
    assert [(one["kind"], one["actor"]) for one in asked] == [("cancel", f"api_key:{key_id}"), ("resume", None)]


async def test_a_user_cannot_take_the_names_of_a_server(api: Api, ada: SignedInUser, made: Made) -> None:
    api.subscribed(ada.id)
    secret = await made(Scope.SUBSCRIPTIONS_WRITE)
    key_id = api.row("select id from billing.api_keys")["id"]
    for taken, status in ((f"api_key:{key_id}:one", 200), (f"api_key {key_id} one", 422)):
        named = {"headers": {"Idempotency-Key": taken}}
        answer = await ask(api, ada.token, None, "POST", "/billing/subscriptions/resume", **named)
        assert answer.status_code == status, answer.text

    theirs = await ask(api, secret, ada.id, "DELETE", "/billing/subscriptions", headers={"Idempotency-Key": "one"})

    assert theirs.status_code == 200


async def test_a_server_that_may_not_bring_cards_opens_no_page_for_them(
    api: Api, ada: SignedInUser, made: Made
) -> None:
    body = {
        "plan": "BASIC",
        "interval": "month",
        "success_url": "https://a.example/",
        "cancel_url": "https://a.example/",
    }
    writes = await made(Scope.SUBSCRIPTIONS_WRITE)
    both = await made(Scope.SUBSCRIPTIONS_WRITE, Scope.PAYMENT_METHODS_WRITE)

    refused = await ask(api, writes, ada.id, "POST", "/billing/checkout", json=body)
    opened = await ask(api, both, ada.id, "POST", "/billing/checkout", json=body)

    assert_problem(refused, 403, "forbidden")
    assert opened.status_code == 201, opened.text


async def test_its_last_use_is_written_down_once_a_minute(api: Api, ada: SignedInUser, made: Made) -> None:
    secret = await made(Scope.SUBSCRIPTIONS_READ)
    used = []
    for _ in range(3):
        await ask(api, secret, ada.id)
        used.append(api.row("select last_used_at from billing.api_keys")["last_used_at"])
    assert used[0] is not None
    assert len(set(used)) == 1
    api.rows("update billing.api_keys set last_used_at = now() - interval '61 seconds'")

    await ask(api, secret, ada.id)

    assert api.row("select last_used_at from billing.api_keys")["last_used_at"] >= used[0]


async def test_nothing_that_is_kept_opens_the_door(api: Api, ada: SignedInUser, made: Made) -> None:
    secret = await made(*Scope)
    assert re.fullmatch(r"prnl_[A-Za-z0-9_-]{43}", secret)
    kept = api.row("select * from billing.api_keys")
    assert secret not in str(kept)

    answer: httpx.Response = await ask(api, "prnl_" + kept["digest"][:43], ada.id)

    assert_problem(answer, 401, "not_signed_in")
