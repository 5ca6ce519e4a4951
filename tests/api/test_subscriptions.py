from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
from psycopg.types.json import Jsonb

from api.app import create_app
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, assert_problem, in_days, make_settings, running_api

MINE = "/billing/subscriptions/me"


async def mine(api: Api, user: SignedInUser) -> dict[str, Any]:
    response = await api.client.get(MINE, headers=as_user(user))
    assert response.status_code == 200, response.text
    return dict(response.json())


async def test_the_plans_are_shown_to_everybody(api: Api) -> None:
    plans = (await api.client.get("/billing/plans")).json()["plans"]

    assert [plan["code"] for plan in plans] == ["BASIC", "PRO", "ENTERPRISE", "FREE"]
    assert plans[0]["trial_days"] == 14
    assert plans[0]["prices"][0] == {"interval": "month", "amount": 1000, "currency": "usd"}
    assert (plans[0]["grants"], plans[0]["limits"]) == (["email_support"], {"projects": 3, "tasks": 100})
    assert plans[2]["limits"]["tasks"] == "unlimited"
    document = create_app(make_settings("postgresql://nobody@127.0.0.1:1/none")).openapi()
    shown = {"$ref": "#/components/schemas/PlansView", "components": document["components"]}
    jsonschema.Draft202012Validator(shown).validate({"plans": plans})


async def test_a_subscription_past_due_shows_what_to_pay_and_until_when_there_is_access(
    api: Api, ada: SignedInUser
) -> None:
    grace = in_days(14)
    api.subscribed(
        ada.id, status="past_due", grace_ends_at=grace, open_invoice_id="in_1", open_invoice_amount=1000,
        open_invoice_url="https://invoice.stripe.com/i/1", next_payment_attempt_at=in_days(3), card_brand="visa",
        card_last4="0341", card_exp_month=12, card_exp_year=2030,
    )  # fmt: skip

    shown = await mine(api, ada)

    assert (shown["status"], shown["plan"], shown["amount"]) == ("past_due", "BASIC", 1000)
    assert shown["open_invoice"]["url"] == "https://invoice.stripe.com/i/1"
    assert shown["open_invoice"]["amount"] == 1000
    assert shown["card"] == {"brand": "visa", "last4": "0341", "exp_month": 12, "exp_year": 2030}
    assert shown["access"]["granted"] is True
    assert shown["access"]["reason"] == "grace"
    assert datetime.fromisoformat(shown["access"]["until"]) == grace


async def test_a_canceled_subscription_is_still_shown(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, status="canceled", ended_at=in_days(-1))

    shown = await mine(api, ada)

    assert shown["status"] == "canceled"
    assert shown["access"] == {"granted": False, "until": None, "reason": "canceled"}


async def test_nobody_sees_the_subscription_of_another(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    api.subscribed(bob.id)

    assert_problem(await api.client.get(MINE, headers=as_user(ada)), 404, "no_subscription")


async def test_a_row_before_the_first_subscription_is_none(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, status=None, plan=None)

    assert_problem(await api.client.get(MINE, headers=as_user(ada)), 404, "no_subscription")


async def test_access_follows_the_customers_own_clock(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, status="trialing", trial_ends_at=in_days(14))
    assert (await mine(api, ada))["access"]["reason"] == "trial"

    api.rows(
        "insert into billing.customers (user_id, clock_offset_seconds) values (%s, %s)",
        ada.id,
        timedelta(days=15).total_seconds(),
    )

    assert (await mine(api, ada))["access"] == {"granted": False, "until": None, "reason": "trial_ended"}


async def test_in_production_nobody_travels_in_time(database: str, ada: SignedInUser) -> None:
    async with running_api(make_settings(database, mode="production")) as api:
        api.subscribed(ada.id, status="trialing", trial_ends_at=in_days(14))
        api.rows("insert into billing.customers (user_id, clock_offset_seconds) values (%s, %s)", ada.id, 15 * 86_400)

        assert (await mine(api, ada))["access"]["reason"] == "trial"


async def test_the_timeline_is_read_page_by_page_in_both_orders(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    for user, count in ((ada, 5), (bob, 1)):
        for number in range(count):
            api.rows(
                "insert into billing.timeline (user_id, seq, position, at, entry, cause, to_status, detail)"
                " values (%s, %s, %s, %s, %s, 'intent', 'active', '{\"plan\": \"BASIC\"}')",
                user.id, number // 2, number % 2, datetime(2026, 1, 1, tzinfo=UTC), f"entry_{number}",
            )  # fmt: skip

    async def walk(**order: str) -> list[str]:
        seen, cursor = [], None
        while True:
            query = {"limit": "2", **order} | ({"cursor": cursor} if cursor else {})
            page = (await api.client.get(f"{MINE}/timeline", params=query, headers=as_user(ada))).json()
            seen += [entry["entry"] for entry in page["entries"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return seen

    oldest_first = [f"entry_{number}" for number in range(5)]
    assert await walk() == oldest_first
    assert await walk(newest_first="true") == oldest_first[::-1]


async def test_a_cursor_of_nonsense_is_refused_by_name(api: Api, ada: SignedInUser) -> None:
    for cursor in ("x", "1", "-1-1", "9" * 40 + "-1", "1-1;drop"):
        response = await api.client.get(f"{MINE}/timeline", params={"cursor": cursor}, headers=as_user(ada))
        assert assert_problem(response, 422, "invalid_request")["errors"][0]["field"] == "cursor"


async def test_the_notice_goes_by_the_rules_that_the_subscription_was_sold_under(api: Api, ada: SignedInUser) -> None:
    api.now[:] = [datetime(2026, 11, 20, tzinfo=UTC)]
    ends = datetime(2026, 11, 25, tzinfo=UTC)
    trial: dict[str, Any] = {"status": "trialing", "trial_ends_at": ends, "current_period_ends_at": ends}
    api.subscribed(ada.id, **trial, started_at=datetime(2026, 11, 11, tzinfo=UTC))
    assert (await mine(api, ada))["notice"] is None

    api.subscribed(ada.id, **trial, policy=Jsonb({"trial_reminder_days": 5, "short_trial_reminder_days": 1}))
    assert (await mine(api, ada))["notice"] == {"kind": "trial_ending", "by": "2026-11-25T00:00:00Z", "url": None}


async def test_the_notice_of_an_expiring_card_names_the_charge(api: Api, ada: SignedInUser) -> None:
    api.now[:] = [datetime(2026, 11, 20, tzinfo=UTC)]
    charge = datetime(2026, 12, 4, tzinfo=UTC)
    api.subscribed(ada.id, current_period_ends_at=charge, card_exp_month=11, card_exp_year=2026)
    assert (await mine(api, ada))["notice"] == {"kind": "card_expiring", "by": "2026-12-04T00:00:00Z", "url": None}
