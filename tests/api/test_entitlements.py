"""What the caller may do, as the app asks for it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio

from local.betterauth import SignedInUser
from local.valkey import Valkey
from tests.api.conftest import Api, as_user, assert_problem, in_days, make_settings, running_api

NOTHING = {"projects": 0, "seats": 0, "tasks": 0}


async def mine(api: Api, user: SignedInUser) -> dict[str, Any]:
    answer = await api.client.get("/billing/entitlements", headers=as_user(user))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_who_never_subscribed_is_entitled_to_nothing(api: Api, ada: SignedInUser) -> None:
    assert await mine(api, ada) == {
        "status": "none",
        "plan": None,
        "access": {"granted": False, "until": None, "reason": "no_subscription"},
        "features": [],
        "limits": NOTHING,
        "notice": None,
    }


async def test_a_team_has_the_features_of_its_plan_and_the_seats_it_bought(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, plan="PRO", quantity=7)

    told = await mine(api, ada)

    assert (told["status"], told["plan"], told["access"]["reason"]) == ("active", "PRO", "paid")
    assert told["features"] == ["email_support", "priority_support"]
    assert told["limits"] == {"projects": 50, "seats": 7, "tasks": 10000}


async def test_grace_that_has_ended_takes_everything_although_nobody_told_us(api: Api, ada: SignedInUser) -> None:
    ends = in_days(1)
    api.subscribed(ada.id, status="past_due", grace_ends_at=ends, open_invoice_id="in_1", open_invoice_url="https://i")
    during = await mine(api, ada)
    api.now.append(ends + timedelta(seconds=1))

    after = await mine(api, ada)

    assert (during["access"]["granted"], during["access"]["reason"]) == (True, "grace")
    assert datetime.fromisoformat(during["access"]["until"]) == ends
    assert (during["limits"]["projects"], during["notice"]["kind"]) == (3, "payment_failed")
    assert after["status"] == "past_due"
    assert (after["access"]["granted"], after["access"]["reason"]) == (False, "grace_ended")
    assert (after["limits"], after["features"], after["notice"]["url"]) == (NOTHING, [], "https://i")


async def test_the_clock_is_the_customers_own(api: Api, ada: SignedInUser) -> None:
    api.now.append(datetime(2026, 1, 1, tzinfo=UTC))
    api.subscribed(ada.id, status="trialing", trial_ends_at=datetime(2026, 1, 10, tzinfo=UTC))
    assert (await mine(api, ada))["access"]["granted"]

    api.rows("insert into billing.customers (user_id, clock_offset_seconds) values (%s, %s)", ada.id, 10 * 86_400)

    assert (await mine(api, ada))["access"]["reason"] == "trial_ended"


async def test_it_costs_one_query_beside_the_sessions_and_needs_one(api: Api, ada: SignedInUser) -> None:
    assert_problem(await api.client.get("/billing/entitlements"), 401, "not_signed_in")
    api.statements.clear()

    await mine(api, ada)

    measured = ("billing.events", "billing.reconciliations")  # by the API itself, in the background
    asked = [statement for statement, _ in api.statements if not any(name in statement for name in measured)]
    assert len(asked) == 2


@pytest_asyncio.fixture
async def with_copies(database: str, valkey: Valkey) -> AsyncIterator[Api]:
    """An API that keeps copies in Redis for as long as it may."""
    async with running_api(make_settings(database, redis_url=valkey.url, cache_seconds=30)) as api:
        yield api


async def test_a_copy_is_read_by_the_clock_of_the_moment(with_copies: Api, ada: SignedInUser) -> None:
    ends = in_days(1)
    with_copies.subscribed(ada.id, status="past_due", grace_ends_at=ends)
    assert (await mine(with_copies, ada))["access"]["granted"]
    with_copies.statements.clear()
    with_copies.now.append(ends)

    told = await mine(with_copies, ada)

    assert (told["access"]["reason"], told["limits"]) == ("grace_ended", NOTHING)
    assert not any("billing.subscriptions" in statement for statement, _ in with_copies.statements)


async def test_who_has_just_written_reads_what_they_wrote(with_copies: Api, ada: SignedInUser) -> None:
    with_copies.subscribed(ada.id)
    assert (await mine(with_copies, ada))["access"]["reason"] == "paid"
    with_copies.door.meanwhile = lambda user_id, _: with_copies.subscribed(user_id, status="canceled")

    await with_copies.client.delete("/billing/subscriptions?timing=now", headers=as_user(ada))

    assert (await mine(with_copies, ada))["status"] == "canceled"
    shown = await with_copies.client.get("/billing/subscriptions/me", headers=as_user(ada))
    assert shown.json()["status"] == "canceled"
