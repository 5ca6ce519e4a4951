"""Customers who begin twice: two pages, two devices, two clicks. One subscription stands, and nobody pays for two."""

import asyncio
from typing import Any

from local.waiting import until
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, World
from tests.stories.test_a_change_of_plan import confirm

ADDRESSES = {"success_url": "http://localhost/yes", "cancel_url": "http://localhost/no"}


async def opens_checkout(ada: Customer, plan: str = "BASIC") -> str:
    answer = await ada.ask("POST", "/checkout", {"plan": plan, "interval": "month", **ADDRESSES})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def pays(ada: Customer, session: str) -> None:
    await ada.world.at_stripe(f"/checkout/sessions/{session}/complete", {"payment_method": "pm_card_visa"})


async def in_stripe(ada: Customer) -> list[dict[str, Any]]:
    """All of this customer's subscriptions, the oldest first."""
    asked = {"customer": await ada.stripe_customer_id(), "status": "all"}
    found = await ada.world.stripe.v1.subscriptions.list_async(asked)  # type: ignore[arg-type]
    return [dict(one.to_dict()) for one in reversed(found.data)]


async def given_back(ada: Customer) -> int:
    """In minor units, over all charges."""
    asked = {"customer": await ada.stripe_customer_id()}
    charges = await ada.world.stripe.v1.charges.list_async(asked)  # type: ignore[arg-type]
    return sum(charge.amount_refunded for charge in charges.data)


async def one_is_left(ada: Customer) -> None:
    async def is_so() -> bool:
        found = await in_stripe(ada)
        return len(found) == 2 and [one["status"] for one in found].count("canceled") == 1

    await until(is_so, within=PATIENCE_SECONDS, what="the second subscription still runs")
    await ada.settled()


async def has_had_a_trial(world: World) -> Customer:
    """Whoever comes back pays from the first day."""
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=1)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    return ada


async def test_two_checkout_pages_in_a_trial_leave_one_trial(world: World) -> None:
    ada = await world.customer()
    first, second = await opens_checkout(ada), await opens_checkout(ada)

    await pays(ada, first)
    await pays(ada, second)
    await one_is_left(ada)

    assert "was begun beside" in str(await ada.concern())
    assert await ada.status() == "trialing"
    assert "second_subscription_taken_back" in await ada.timeline()


async def test_who_pays_on_a_checkout_page_beside_a_subscription_gets_the_money_back(world: World) -> None:
    ada = await has_had_a_trial(world)
    page = await opens_checkout(ada, "PRO")
    subscribed = await ada.subscribe("BASIC")
    assert subscribed.status_code == 201, subscribed.text
    await ada.settled()

    await pays(ada, page)

    async def is_back() -> bool:
        return await given_back(ada) == 3000

    await until(is_back, within=PATIENCE_SECONDS, what="the money is not back")
    await ada.settled()
    mine = await ada.mine()
    assert (mine["status"], mine["plan"]) == ("active", "BASIC"), "the first one stands"
    live = [one["metadata"]["user_id"] for one in await in_stripe(ada) if one["status"] == "active"]
    assert live == [ada.id]
    assert "3000 usd (minor units) refunded" in str(await ada.concern())

    await ada.travel(days=32)
    paid = [invoice["amount_paid"] for invoice in await ada.invoices() if invoice["amount_paid"]]
    assert paid == [1000, 3000, 1000], "the second one is never charged again"
    assert await given_back(ada) == 3000


async def test_two_devices_subscribe_at_the_same_moment(world: World) -> None:
    ada = await world.customer()

    answers = await asyncio.gather(*[ada.subscribe("BASIC", trial_period_days=0) for _ in range(2)])
    await ada.settled()

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert [one["status"] for one in await in_stripe(ada)] == ["active"]
    assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [1000]


async def test_a_checkout_page_that_was_left_alone_leaves_the_user_free(world: World) -> None:
    ada = await world.customer()
    page = await opens_checkout(ada)
    await world.at_stripe(f"/checkout/sessions/{page}/expire")

    again = await opens_checkout(ada)
    await pays(ada, again)

    async def has_begun() -> bool:
        answer = await ada.ask("GET", "/subscriptions/me")
        return answer.status_code == 200 and answer.json()["status"] == "trialing"

    await until(has_begun, within=PATIENCE_SECONDS, what="the subscription did not begin")
    assert len(await in_stripe(ada)) == 1


async def test_a_free_plan_is_left_twice_in_one_moment_and_paid_for_once(world: World) -> None:
    """An upgrade that the bank has just confirmed, and a page that was open all the while, finished too."""
    ada = await world.customer()
    await ada.subscribe("BASIC")
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.subscribe("FREE", card=None, interval="year")
    page = await opens_checkout(ada, "PRO")
    wish = {"plan": "PRO", "interval": "month", "payment_method": "pm_card_threeDSecure2Required"}
    assert (await ada.ask("PATCH", "/subscriptions/plan", wish)).status_code == 402
    await ada.settled()
    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 1})
    await confirm(ada)
    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 0})
    await pays(ada, page)
    await ada.settled()

    known = [subscription["status"] for subscription in await in_stripe(ada)]
    charges = (await world.stripe.v1.charges.list_async({"customer": await ada.stripe_customer_id()})).data
    assert known.count("active") == 1
    assert sum(charge.amount - charge.amount_refunded for charge in charges if charge.paid) == 3000
    mine = await ada.mine()
    assert (mine["status"], mine["plan"], mine["access"]["granted"]) == ("active", "PRO", True)
    assert "3000 usd (minor units) refunded" in str(await ada.concern()), "a person hears of it"
