"""What a customer's app shows them, from the first day to the last: one thing at a time, by their own clock."""

from typing import Any

from tests.fixtures.books import contradictions
from tests.fixtures.worlds import Customer, World


async def notice(ada: Customer) -> dict[str, Any] | None:
    shown: dict[str, Any] | None = (await ada.mine())["notice"]
    return shown


async def kind(ada: Customer) -> str | None:
    shown = await notice(ada)
    return str(shown["kind"]) if shown else None


async def test_a_life_of_notices(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")
    await ada.settled()
    assert await notice(ada) is None

    await ada.travel(days=11, hours=1)
    assert await notice(ada) == {"kind": "trial_ending", "by": (await ada.mine())["trial_ends_at"], "url": None}

    await ada.travel(days=4)
    assert await notice(ada) is None, "the trial was paid"

    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=31)
    mine = await ada.mine()
    assert mine["notice"] == {
        "kind": "payment_failed",
        "by": mine["grace_ends_at"],
        "url": mine["open_invoice"]["url"],
    }
    assert mine["open_invoice"]["url"]

    await ada.use_card("pm_card_visa")
    await ada.wait_for_status("active")
    await ada.settled()
    assert await notice(ada) is None

    await ada.ask("DELETE", "/subscriptions")
    await ada.settled()
    mine = await ada.mine()
    assert mine["notice"] == {"kind": "cancellation_scheduled", "by": mine["cancel_at"], "url": None}

    await ada.travel(days=32)
    assert (await ada.status(), await notice(ada)) == ("canceled", None)
    assert await contradictions(world, ada) == []


async def test_a_bank_that_asks_at_a_renewal_is_the_first_thing_to_see(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card("pm_card_authenticationRequired")

    await ada.travel(days=32)

    mine = await ada.mine()
    assert mine["notice"]["kind"] == "action_required"
    assert mine["notice"]["url"] == mine["open_invoice"]["url"]
    assert mine["notice"]["by"] == mine["grace_ends_at"]


async def test_an_upgrade_that_the_bank_asks_about_is_told_with_where_to_pay(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card("pm_card_authenticationRequired")
    await ada.settled()

    answer = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"})
    assert answer.status_code == 402, answer.text

    mine = await ada.mine()
    planned = mine["planned_change"]
    assert mine["notice"] == {"kind": "upgrade_unpaid", "by": planned["at"], "url": planned["pay_url"]}
    assert planned["pay_url"]
