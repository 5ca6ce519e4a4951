"""What something would cost: shown without changing anything, and applied as shown or not at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from lifecycle.intents import ChangePlan
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, assert_problem, in_days

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PERIOD_ENDS = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def api_at_noon(api: Api) -> Api:
    api.now[:] = [NOW]
    return api


async def show(api: Api, who: SignedInUser, plan: str, interval: str | None = None) -> httpx.Response:
    body = {"plan": plan} | ({"interval": interval} if interval else {})
    return await api.client.post("/billing/subscriptions/preview", json=body, headers=as_user(who))


async def change(api: Api, who: SignedInUser, token: str, plan: str = "PRO", key: str = "k1") -> httpx.Response:
    body = {"plan": plan, "preview_token": token}
    return await api.client.patch("/billing/subscriptions/plan", json=body, headers=as_user(who, key))


def on_basic(api: Api, who: SignedInUser, **more: Any) -> None:
    api.subscribed(
        who.id, **({"stripe_subscription_id": f"sub_{who.id}", "current_period_ends_at": PERIOD_ENDS} | more)
    )


async def test_a_newcomer_sees_that_the_trial_costs_nothing_and_when_the_first_charge_comes(
    api_at_noon: Api, ada: SignedInUser
) -> None:
    shown = (await show(api_at_noon, ada, "basic", "month")).json()

    assert shown["due_now"] == {"amount": 0, "currency": "usd", "tax": None}
    assert shown["next_charge"] == {"amount": 1000, "currency": "usd", "tax": None, "at": "2026-12-04T12:00:00Z"}
    assert (shown["timing"], shown["preview_token"]) == ("now", None)


async def test_who_used_the_trial_sees_the_first_charge(api_at_noon: Api, ada: SignedInUser) -> None:
    api_at_noon.rows(
        "insert into billing.customers (user_id, stripe_customer_id, trial_used_at) values (%s, 'cus_1', now())", ada.id
    )
    api_at_noon.previews.due = 800  # Stripe knows of credit

    shown = (await show(api_at_noon, ada, "BASIC", "month")).json()

    assert shown["due_now"]["amount"] == 800
    assert shown["next_charge"]["at"] == "2026-12-20T12:00:00Z"


async def test_a_code_shows_its_price_also_for_what_comes_after_the_trial(api_at_noon: Api, ada: SignedInUser) -> None:
    api_at_noon.previews.due = 800
    body = {"plan": "BASIC", "promotion_code": "WELCOME20"}
    shown = await api_at_noon.client.post("/billing/subscriptions/preview", json=body, headers=as_user(ada))
    assert (shown.json()["due_now"]["amount"], shown.json()["next_charge"]["amount"]) == (0, 800)

    body["promotion_code"] = "NOPE"
    wrong = await api_at_noon.client.post("/billing/subscriptions/preview", json=body, headers=as_user(ada))
    assert_problem(wrong, 422, "promotion_code_invalid")


async def test_an_upgrade_shows_the_difference_and_is_charged_for_the_moment_that_was_shown(
    api_at_noon: Api, ada: SignedInUser
) -> None:
    on_basic(api_at_noon, ada)
    shown = (await show(api_at_noon, ada, "PRO")).json()
    assert (shown["timing"], shown["due_now"]["amount"]) == ("now", 1500)
    assert shown["next_charge"] == {"amount": 3000, "currency": "usd", "tax": None, "at": "2026-12-01T00:00:00Z"}

    api_at_noon.now[:] = [NOW + timedelta(minutes=14)]
    assert (await change(api_at_noon, ada, shown["preview_token"])).status_code == 200

    (request,) = api_at_noon.door.carried_out
    assert isinstance(request.intent, ChangePlan)
    assert request.intent.proration_date == NOW


async def test_a_downgrade_shows_that_nothing_is_due_before_the_period_is_over(
    api_at_noon: Api, ada: SignedInUser
) -> None:
    on_basic(api_at_noon, ada, plan="PRO", amount=3000)
    shown = (await show(api_at_noon, ada, "BASIC")).json()

    assert (shown["timing"], shown["effective_at"]) == ("period_end", "2026-12-01T00:00:00Z")
    assert shown["due_now"]["amount"] == 0
    assert shown["next_charge"] == {"amount": 1000, "currency": "usd", "tax": None, "at": "2026-12-01T00:00:00Z"}
    assert api_at_noon.previews.asked == [], "there is nothing to prorate"


async def test_a_code_is_for_beginners_and_a_change_that_names_one_is_refused(
    api_at_noon: Api, ada: SignedInUser
) -> None:
    on_basic(api_at_noon, ada)
    body = {"plan": "PRO", "promotion_code": "WELCOME20"}

    shown = await api_at_noon.client.post("/billing/subscriptions/preview", json=body, headers=as_user(ada))

    assert assert_problem(shown, 422, "promotion_code_invalid")["errors"][0]["field"] == "promotion_code"


async def test_in_a_trial_a_change_costs_nothing(api_at_noon: Api, ada: SignedInUser) -> None:
    ends = NOW + timedelta(days=5)
    on_basic(api_at_noon, ada, status="trialing", trial_ends_at=ends, current_period_ends_at=ends)

    shown = (await show(api_at_noon, ada, "PRO")).json()

    assert shown["due_now"]["amount"] == 0
    assert shown["next_charge"] == {"amount": 3000, "currency": "usd", "tax": None, "at": "2026-11-25T12:00:00Z"}


async def test_a_preview_that_is_too_old_is_refused_the_same_each_time(api_at_noon: Api, ada: SignedInUser) -> None:
    on_basic(api_at_noon, ada)
    token = (await show(api_at_noon, ada, "PRO")).json()["preview_token"]
    api_at_noon.now[:] = [NOW + timedelta(minutes=16)]

    assert_problem(await change(api_at_noon, ada, token), 409, "preview_stale")
    assert_problem(await change(api_at_noon, ada, token), 409, "preview_stale")
    assert api_at_noon.door.carried_out == []
    assert api_at_noon.row("select status from billing.operations")["status"] == "refused"


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"plan": "ENTERPRISE", "amount": 10000},
        {"current_period_ends_at": in_days(40)},
        {"cancel_at": in_days(3)},
        {"status": "past_due"},
        {"planned_at": in_days(1), "planned_plan": "PRO"},
    ],
    ids=lambda columns: "-".join(columns),
)
async def test_a_preview_of_a_state_that_is_past_is_refused(
    api_at_noon: Api, ada: SignedInUser, meanwhile: dict[str, Any]
) -> None:
    on_basic(api_at_noon, ada)
    token = (await show(api_at_noon, ada, "PRO")).json()["preview_token"]
    on_basic(api_at_noon, ada, **meanwhile)

    assert_problem(await change(api_at_noon, ada, token), 409, "preview_stale")


async def test_a_preview_of_another_plan_or_another_user_is_refused(
    api_at_noon: Api, ada: SignedInUser, bob: SignedInUser
) -> None:
    on_basic(api_at_noon, ada)
    on_basic(api_at_noon, bob)
    token = (await show(api_at_noon, ada, "PRO")).json()["preview_token"]

    assert_problem(await change(api_at_noon, ada, token, "ENTERPRISE"), 409, "preview_stale")
    assert_problem(await change(api_at_noon, bob, token), 409, "preview_stale")


@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
async def test_a_token_that_nobody_signed_is_a_wrong_field(api_at_noon: Api, ada: SignedInUser, token: str) -> None:
    on_basic(api_at_noon, ada)
    body = assert_problem(await change(api_at_noon, ada, token), 422, "invalid_request")
    assert body["errors"][0]["field"] == "preview_token"


async def test_what_would_be_refused_is_refused_when_it_is_asked_about(api_at_noon: Api, ada: SignedInUser) -> None:
    on_basic(api_at_noon, ada)
    assert_problem(await show(api_at_noon, ada, "BASIC"), 409, "same_plan")
    assert_problem(await show(api_at_noon, ada, "GOLD"), 422, "unknown_plan")
    on_basic(api_at_noon, ada, status="past_due")
    assert_problem(await show(api_at_noon, ada, "PRO"), 409, "past_due")
