"""Cookies are taken from our own pages and from native apps only; answers can be read by our own pages only."""

from typing import Any

import httpx
import pytest
import pytest_asyncio

from local import betterauth
from local.betterauth import SignedInUser
from tests.api.conftest import AUTH_SECRET, Api, as_user, assert_problem, make_settings, new_database, running_api

OURS = "https://app.example.com"
ADMIN = "https://admin.example.com:8443"
API = "https://billing.example.com"
THEIRS = "https://evil.example"
WRITE = "/billing/subscriptions/resume"


@pytest_asyncio.fixture(scope="module")
async def shop(postgres_url: str, migrated_template: str) -> Any:
    async with new_database(postgres_url, migrated_template) as url:
        origins = f"{OURS},{ADMIN}"
        async with running_api(make_settings(url, allowed_origins=origins, public_url=API)) as api:
            yield api


@pytest.fixture
def member(shop: Api) -> SignedInUser:
    user = betterauth.sign_in(shop.database, name="Mary", email="mary@example.com", secret=AUTH_SECRET)
    shop.subscribed(user.id)
    return user


async def write(shop: Api, member: SignedInUser, headers: dict[str, str]) -> httpx.Response:
    return await shop.client.post(WRITE, headers={"Cookie": member.cookie, **headers})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": OURS},
        {"Origin": ADMIN},
        {"Origin": API, "Sec-Fetch-Site": "same-origin"},
        {"Origin": OURS, "Referer": THEIRS, "Sec-Fetch-Site": "cross-site"},
        {"Referer": f"{OURS}/billing?a=b"},
        {"Referer": OURS, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
    ids=str,
)
async def test_a_cookie_from_our_pages_and_native_apps_is_taken(
    shop: Api, member: SignedInUser, headers: dict[str, str]
) -> None:
    assert (await write(shop, member, headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": THEIRS},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://app.example.com"},
        {"Origin": f"{OURS}:444"},
        {"Origin": f"{OURS}.evil.example"},
        {"Origin": f"{OURS}@evil.example"},
        {"Origin": "https://sub.app.example.com"},
        {"Origin": "https://[::1"},
        {"Origin": THEIRS, "Referer": OURS, "Sec-Fetch-Site": "same-origin"},
        {"Referer": f"{THEIRS}/?{OURS}"},
        {"Referer": "about:blank"},
        {"Referer": ""},
        {"Referer": THEIRS, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "anything"},
        {"Origin": THEIRS, "Authorization": "Basic YTpi"},
    ],
    ids=str,
)
async def test_a_cookie_from_any_other_page_is_not(shop: Api, member: SignedInUser, headers: dict[str, str]) -> None:
    carried_out = len(shop.door.carried_out)

    assert_problem(await write(shop, member, headers), 403, "origin_not_allowed")

    assert len(shop.door.carried_out) == carried_out


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "LOCK"])
async def test_every_method_that_may_change_something_is_asked_for_its_page(
    shop: Api, member: SignedInUser, method: str
) -> None:
    headers = {"Cookie": member.cookie, "Origin": THEIRS}

    assert_problem(await shop.client.request(method, "/billing/plans", headers=headers), 403, "origin_not_allowed")


async def test_reads_and_bearer_tokens_need_no_page(shop: Api, member: SignedInUser) -> None:
    read = await shop.client.get("/billing/subscriptions/me", headers={"Cookie": member.cookie, "Origin": THEIRS})
    bearer = await write(shop, member, as_user(member) | {"Origin": THEIRS})

    assert (read.status_code, bearer.status_code) == (200, 200)


async def test_our_pages_may_read_answers_errors_included(shop: Api, member: SignedInUser) -> None:
    for response in (
        await shop.client.get("/billing/plans", headers={"Origin": ADMIN}),
        await shop.client.get("/billing/subscriptions/me", headers={"Origin": ADMIN}),
        await shop.client.get("/billing/nothing", headers={"Origin": ADMIN}),
    ):
        assert response.headers["access-control-allow-origin"] == ADMIN
        assert response.headers["access-control-allow-credentials"] == "true"
        exposed = response.headers["access-control-expose-headers"]
        assert {"X-Request-Id", "Retry-After", "Location", "Idempotency-Key"} <= set(exposed.split(", "))
        assert "Origin" in response.headers["vary"]


async def test_others_may_read_nothing(shop: Api) -> None:
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin in (THEIRS, "null", f"{OURS}.evil.example"):
        plain = await shop.client.get("/billing/plans", headers={"Origin": origin})
        preflight = await shop.client.options(WRITE, headers={"Origin": origin, **ask})
        assert (plain.status_code, preflight.status_code) == (200, 405)
        for response in (plain, preflight):
            assert not [name for name in response.headers if name.startswith("access-control")]
            assert "Origin" in response.headers["vary"]


async def test_a_preflight_of_ours_is_answered_and_kept(shop: Api) -> None:
    ask = {"Origin": OURS, "Access-Control-Request-Method": "PATCH"}

    answer = await shop.client.options("/billing/subscriptions/plan", headers=ask)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == OURS
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert {"Idempotency-Key", "Content-Type"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert int(answer.headers["access-control-max-age"]) >= 600


async def test_the_web_app_is_the_only_page_when_none_is_named(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id)
    own = await write(api, ada, {"Origin": api.settings.app_url})

    assert own.status_code == 200
    assert_problem(await write(api, ada, {"Origin": "http://127.0.0.1:3001"}), 403, "origin_not_allowed")
