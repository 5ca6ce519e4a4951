"""A trial ends sooner or later than it was going to: an operator moves it, or the customer wants to pay."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from local.waiting import until
from tests.fixtures.books import contradictions
from tests.fixtures.databases import setting_up
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, World
from tests.stories.test_a_change_of_plan import confirm
from tests.stories.test_a_trial_without_a_card import paid


async def operator(world: World) -> Customer:
    olga = await world.customer("Olga")
    async with setting_up(world.engine) as connection:
        await connection.execute(text("update public.\"user\" set role = 'admin' where id = :id"), {"id": olga.id})
    return olga


async def moves(olga: Customer, ada: Customer, ends_at: datetime | None) -> httpx.Response:
    body: dict[str, Any] = {"ends_at": ends_at.isoformat() if ends_at else None}
    answer = await olga.ask("POST", f"/admin/users/{ada.id}/trial", body)
    await ada.settled()
    return answer


@pytest.mark.parametrize("card", [None, "pm_card_visa"], ids=["cardless", "with_a_card"])
async def test_an_operator_gives_more_time(world: World, card: str | None) -> None:
    olga, ada = await operator(world), await world.customer()
    await ada.subscribe("BASIC", card=card)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)

    answer = await moves(olga, ada, later)

    assert answer.status_code == 200, answer.text
    assert datetime.fromisoformat(answer.json()["trial_ends_at"]) == later
    await ada.travel(days=35)
    assert await ada.status() == "trialing"
    await ada.travel(days=3)

    async def is_reminded() -> bool:
        return (await ada.letters())[:3] == ["welcome", "trial_extended", "trial_ending"]

    await until(is_reminded, within=PATIENCE_SECONDS, what="nobody is reminded of the new end")
    await ada.travel(days=3)
    assert await ada.status() == ("active" if card else "canceled")


@pytest.mark.parametrize(
    ("card", "status"), [(None, "canceled"), ("pm_card_visa", "active")], ids=["cardless", "with_a_card"]
)
async def test_an_operator_ends_a_trial_now(world: World, card: str | None, status: str) -> None:
    olga, ada = await operator(world), await world.customer()
    await ada.subscribe("BASIC", card=card)

    assert (await moves(olga, ada, None)).status_code == 200

    assert await ada.status() == status
    assert await contradictions(world, ada) == []


async def test_only_operators_move_trials_and_only_ahead(world: World) -> None:
    olga, ada = await operator(world), await world.customer()
    await ada.subscribe("BASIC", card=None)

    assert (await moves(ada, ada, None)).status_code == 403
    past = await moves(olga, ada, datetime.now(UTC) - timedelta(days=1))
    assert (past.status_code, past.json()["errors"][0]["field"]) == (422, "ends_at")
    await ada.ask("DELETE", "/subscriptions?timing=now")
    over = await moves(olga, ada, datetime.now(UTC) + timedelta(days=5))
    assert (over.status_code, over.json()["code"]) == (404, "no_subscription")


async def test_a_customer_with_a_card_pays_before_the_trial_ends(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")
    await ada.travel(days=2)

    converted = await ada.ask("POST", "/subscriptions/convert", {})

    assert (converted.status_code, converted.json()["status"]) == (200, "active"), converted.text
    assert await paid(ada) == 1000
    again = await ada.ask("POST", "/subscriptions/convert", {})
    assert (again.status_code, again.json()["code"]) == (409, "not_trialing")
    await ada.settled()
    assert await ada.timeline() == ["trial_started", "trial_converted"]
    assert await contradictions(world, ada) == []


async def test_a_declined_card_leaves_the_trial_as_it_was(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")
    ends = (await ada.mine())["trial_ends_at"]

    declined = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_chargeCustomerFail"})

    assert declined.status_code == 402, declined.text
    await ada.settled()
    mine = await ada.mine()
    assert (mine["status"], mine["trial_ends_at"], mine["open_invoice"]) == ("trialing", ends, None)
    assert await paid(ada) == 0
    assert await ada.concern() is None


async def test_a_bank_that_asks_leaves_the_trial_as_it_is_until_it_is_answered(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")

    asked = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})

    assert (asked.status_code, asked.json()["code"]) == (402, "action_required"), asked.text
    await ada.settled()
    mine = await ada.mine()
    assert (mine["status"], mine["access"]["reason"]) == ("trialing", "trial")
    assert mine["planned_change"]["pay_url"]
    await confirm(ada)
    await ada.wait_for_status("active")
    assert await paid(ada) == 1000
    assert await contradictions(world, ada) == []
