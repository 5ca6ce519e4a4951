"""Customers who plan to pay less, then try for more: what was planned goes only when more is granted."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.fixtures.books import contradictions
from tests.fixtures.worlds import Customer, World
from tests.stories.test_a_change_of_plan import confirm, open_invoices
from tests.stories.test_seats import a_team, paid, seats


async def a_team_that_shrinks(world: World) -> Customer:
    """Ten seats of PRO paid for, two from the next period on; nothing else has been promised since."""
    ada = await a_team(world, 10)
    assert (await seats(ada, 2)).status_code == 200
    assert (await ada.letters())[-1] == "plan_change_scheduled"
    return ada


async def tries_for_more(ada: Customer, card: str) -> httpx.Response:
    return await seats(ada, 20, payment_method=card)


async def planned(ada: Customer) -> tuple[Any, Any] | None:
    then = (await ada.mine())["planned_change"]
    return (then["plan"], then["quantity"]) if then else None


async def left_of_the_period(ada: Customer) -> timedelta:
    """From the tenth day on, on which the stories begin."""
    item = (await ada.stripe_subscription())["items"]["data"][0]
    return timedelta(seconds=item["current_period_end"] - item["current_period_start"]) - timedelta(days=10)


async def charged(ada: Customer) -> list[int]:
    return [amount for amount in await paid(ada) if amount]


@pytest.mark.parametrize(
    ("card", "status", "code"),
    [
        ("pm_card_chargeDeclined", 402, "generic_decline"),
        ("pm_card_chargeCustomerFail", 402, "generic_decline"),
        ("pm_nonsense", 422, "payment_method_invalid"),
    ],
)
async def test_an_upgrade_that_is_refused_leaves_the_downgrade_that_was_planned(
    world: World, card: str, status: int, code: str
) -> None:
    ada = await a_team_that_shrinks(world)
    told = await ada.letters()

    refused = await tries_for_more(ada, card)

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await planned(ada) == ("PRO", 2)
    assert await ada.letters() == told, "the last letter is still true"
    assert await open_invoices(ada) == []
    assert await contradictions(world, ada) == []
    await ada.use_card("pm_card_visa")
    await ada.travel(days=22)
    assert await charged(ada) == [30000, 6000]


async def test_an_upgrade_that_the_bank_asks_about_takes_the_place_of_the_downgrade_when_it_is_confirmed(
    world: World,
) -> None:
    ada = await a_team_that_shrinks(world)
    asked = await tries_for_more(ada, "pm_card_authenticationRequired")
    assert (asked.status_code, asked.json()["code"]) == (402, "action_required")
    assert (await planned(ada), (await ada.mine())["quantity"]) == (("PRO", 20), 10)

    await confirm(ada)

    mine = await ada.mine()
    assert (mine["quantity"], mine["planned_change"]) == (20, None)
    assert (await ada.letters())[-2:] == ["plan_change_scheduled", "plan_changed"]
    assert (await ada.timeline())[-1] == "plan_changed"
    assert (await ada.stripe_subscription())["schedule"] is None, "nothing brings the downgrade back"
    await ada.use_card("pm_card_visa")
    await ada.travel(days=22)
    assert (await charged(ada))[-1] == 60000
    assert await ada.concern() is None
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize("is_the_last_day", [pytest.param(False, id="early"), pytest.param(True, id="on_the_last_day")])
async def test_an_upgrade_that_nobody_confirms_leaves_the_downgrade_that_was_planned(
    world: World, is_the_last_day: bool
) -> None:
    ada = await a_team_that_shrinks(world)
    if is_the_last_day:
        await ada.travel(seconds=(await left_of_the_period(ada) - timedelta(hours=12)).total_seconds())
    assert (await tries_for_more(ada, "pm_card_authenticationRequired")).status_code == 402
    await ada.use_card("pm_card_visa")

    await ada.travel(hours=24)

    mine = await ada.mine()
    if not is_the_last_day:
        assert (await planned(ada), mine["quantity"]) == (("PRO", 2), 10)
        await ada.travel(days=21)
        mine = await ada.mine()
    assert (mine["plan"], mine["quantity"], mine["planned_change"]) == ("PRO", 2, None)
    assert await open_invoices(ada) == []
    assert await charged(ada) == [30000, 6000]
    assert await contradictions(world, ada) == []


async def test_who_asks_for_the_present_plan_drops_both_the_upgrade_that_waits_and_the_downgrade(world: World) -> None:
    ada = await a_team_that_shrinks(world)
    await tries_for_more(ada, "pm_card_authenticationRequired")

    kept = await seats(ada, 10)

    assert (kept.status_code, kept.json()["planned_change"]) == (200, None)
    await ada.use_card("pm_card_visa")
    await ada.travel(days=22)
    assert await charged(ada) == [30000, 30000]


async def test_a_new_downgrade_takes_the_place_of_the_upgrade_that_waits_and_of_the_downgrade_before(
    world: World,
) -> None:
    ada = await a_team_that_shrinks(world)
    await tries_for_more(ada, "pm_card_authenticationRequired")

    again = await seats(ada, 3)

    assert (again.status_code, await planned(ada)) == (200, ("PRO", 3))
    assert await open_invoices(ada) == []
    await ada.use_card("pm_card_visa")
    await ada.travel(days=22)
    assert await charged(ada) == [30000, 9000]


async def test_a_second_try_with_a_better_card_is_charged_once_and_the_downgrade_is_gone(world: World) -> None:
    ada = await a_team_that_shrinks(world)
    await tries_for_more(ada, "pm_card_chargeDeclined")
    await tries_for_more(ada, "pm_card_authenticationRequired")

    granted = await tries_for_more(ada, "pm_card_visa")

    assert (granted.status_code, granted.json()["quantity"], granted.json()["planned_change"]) == (200, 20, None)
    assert len(await charged(ada)) == 2, "the first month, and the difference"
    assert (await ada.stripe_subscription())["schedule"] is None
    assert await contradictions(world, ada) == []
