from typing import Any

import httpx
import pytest

from activities.gateway import StripeAway, StripeRefused
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, assert_problem, make_settings, running_api

PAGES = {"success_url": "https://app.example.com/done", "cancel_url": "http://localhost:3000/plans"}
CHECKOUT = {"plan": "PRO", "interval": "month", **PAGES}


async def checkout(api: Api, user: SignedInUser, key: str | None = None, **body: Any) -> httpx.Response:
    return await api.client.post("/billing/checkout", json=CHECKOUT | body, headers=as_user(user, key))


async def portal(api: Api, user: SignedInUser, key: str | None = None, **body: Any) -> httpx.Response:
    content = {"return_url": "https://app.example.com/billing"} | body
    return await api.client.post("/billing/portal", json=content, headers=as_user(user, key))


async def test_a_checkout_opens_once_a_key_with_the_plans_trial(api: Api, ada: SignedInUser) -> None:
    first = await checkout(api, ada, "my-key")
    again = await checkout(api, ada, "my-key", plan="pro")

    assert (first.status_code, first.json()["id"]) == (201, "cs_test_1")
    assert (again.status_code, again.json()) == (201, first.json())
    (opened,) = api.pages.opened.values()
    assert (opened["user_id"], opened["terms"].plan, opened["trial"]) == (ada.id, "PRO", 14)


async def test_the_trial_is_given_once_a_customer(api: Api, ada: SignedInUser) -> None:
    api.rows("insert into billing.customers (user_id, trial_used_at) values (%s, now())", ada.id)
    api.subscribed(ada.id, status="canceled")

    assert (await checkout(api, ada)).status_code == 201

    (opened,) = api.pages.opened.values()
    assert opened["trial"] == 0


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("trialing", "already_subscribed"),
        ("active", "already_subscribed"),
        ("past_due", "already_subscribed"),
        ("unpaid", "already_subscribed"),
        ("paused", "already_subscribed"),
        ("incomplete", "payment_incomplete"),
    ],
)
async def test_there_is_no_second_subscription_beside_a_running_one(
    api: Api, ada: SignedInUser, status: str, code: str
) -> None:
    api.subscribed(ada.id, status=status, stripe_subscription_id="sub_1")

    for _ in range(2):
        assert_problem(await checkout(api, ada, "my-key"), 409, code)
    assert api.pages.opened == {}


@pytest.mark.parametrize("over", ["canceled", "incomplete_expired", None])
async def test_whoever_has_none_may_check_out(api: Api, ada: SignedInUser, over: str | None) -> None:
    api.subscribed(ada.id, status=over)

    assert (await checkout(api, ada)).status_code == 201


async def test_the_portal_needs_a_customer(api: Api, ada: SignedInUser) -> None:
    assert_problem(await portal(api, ada, "too-early"), 404, "no_customer")

    api.pages.customers.add(ada.id)

    assert_problem(await portal(api, ada, "too-early"), 404, "no_customer")
    assert (await portal(api, ada, "now")).json() == {"url": "https://portal.stripe.test/1"}
    assert (await portal(api, ada, "now")).json() == {"url": "https://portal.stripe.test/1"}


@pytest.mark.parametrize(
    ("breaks", "status", "code"),
    [
        (StripeAway("x"), 503, "payment_provider_away"),
        (StripeRefused("price_missing", "pro_month"), 502, "payment_provider_refused"),
    ],
)
async def test_stripe_away_or_unwilling_is_no_fault_of_the_customers(
    api: Api, ada: SignedInUser, breaks: Exception, status: int, code: str
) -> None:
    api.pages.breaks = breaks
    response = await checkout(api, ada, "my-key")
    assert_problem(response, status, code)
    assert "pro_month" not in response.text

    api.pages.breaks = None
    again = await checkout(api, ada, "my-key")
    assert again.status_code == (201 if status == 503 else 502)


async def test_stripes_own_retry_after_is_handed_on(api: Api, ada: SignedInUser) -> None:
    api.pages.breaks = StripeAway("RateLimitError (429)", retry_after=17)

    assert (await checkout(api, ada)).headers["retry-after"] == "17"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example.com",
        "//app.example.com/x",
        "/relative",
        "javascript:alert(1)",
        "ftp://app.example.com",
        "https://",
        "https:///path",
        "https://user@app.example.com",
        "https://app.example.com@evil.example",
        "https://app.example.com\\@evil.example",
        "https://app.example.com/\nSet-Cookie: a=b",
        "https://app.example.com/ space",
        "https://app.example.com/\x00",
        "https://äpp.example.com",
        "https://app.example.com:99999",
        "https://app.example.com:x",
        "https://[::1",
        "https://app.example.com/" + "x" * 2048,
        7,
        None,
    ],
)
async def test_an_address_that_leads_astray_is_refused_by_name(
    shared_api: Api, member: SignedInUser, url: object
) -> None:
    for response, field in (
        (await checkout(shared_api, member, success_url=url), "success_url"),
        (await checkout(shared_api, member, cancel_url=url), "cancel_url"),
        (await portal(shared_api, member, return_url=url), "return_url"),
    ):
        assert assert_problem(response, 422, "invalid_request")["errors"][0]["field"] == field


async def test_in_production_customers_return_over_https(database: str, ada: SignedInUser) -> None:
    async with running_api(make_settings(database, mode="production")) as api:
        problem = assert_problem(await checkout(api, ada, success_url="http://app.example.com"), 422, "invalid_request")
        assert problem["errors"] == [{"field": "success_url", "reason": "must use https"}]
        assert (await checkout(api, ada)).status_code == 201


async def test_a_promotion_code_that_cannot_be_used_is_a_wrong_field_and_stays_so(api: Api, ada: SignedInUser) -> None:
    for _ in range(2):
        assert_problem(await checkout(api, ada, "my-key", promotion_code="NOPE"), 422, "promotion_code_invalid")
    assert (await checkout(api, ada, "another", promotion_code="WELCOME20")).status_code == 201


async def test_a_code_is_applied_or_may_be_typed_but_not_both(api: Api, ada: SignedInUser) -> None:
    both = await checkout(api, ada, promotion_code="WELCOME20", allow_promotion_codes=True)
    assert_problem(both, 422, "invalid_request")
    assert (await checkout(api, ada, allow_promotion_codes=True)).status_code == 201
