"""Teams that pay by the seat: charged for as many as they have, granted when paid, never more than the plan allows."""

from typing import Any

import httpx

from tests.fixtures.books import contradictions
from tests.fixtures.worlds import Customer, World


async def a_team(world: World, seats: int = 3, **more: Any) -> Customer:
    """Paid up on PRO per month for so many seats, ten days into the period."""
    ada = await world.customer()
    begun = await ada.subscribe("PRO", quantity=seats, **{"trial_period_days": 0} | more)
    assert begun.status_code == 201, begun.text
    await ada.travel(days=10)
    return ada


async def seats(ada: Customer, number: int | None, plan: str = "PRO", **more: Any) -> httpx.Response:
    asked = {"plan": plan} | ({} if number is None else {"quantity": number}) | more
    answer = await ada.ask("PATCH", "/subscriptions/plan", asked)
    await ada.settled()
    return answer


async def at_stripe(ada: Customer) -> int:
    return int((await ada.stripe_subscription())["items"]["data"][0]["quantity"])


async def paid(ada: Customer) -> list[int]:
    return [invoice["amount_paid"] for invoice in await ada.invoices()]


async def test_a_team_pays_for_its_seats_every_month(world: World) -> None:
    ada = await a_team(world)

    mine = await ada.mine()
    assert (mine["plan"], mine["quantity"], mine["amount"], mine["total"]) == ("PRO", 3, 3000, 9000)
    assert await paid(ada) == [9000]
    await ada.travel(days=25)
    assert await paid(ada) == [9000, 9000]
    assert await contradictions(world, ada) == []


async def test_more_seats_are_charged_at_once_and_granted_when_they_are_paid(world: World) -> None:
    ada = await a_team(world)
    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO", "quantity": 5})).json()

    grown = await seats(ada, 5, preview_token=shown["preview_token"])

    assert (grown.status_code, grown.json()["quantity"], grown.json()["total"]) == (200, 5, 15000)
    assert 0 < shown["due_now"]["amount"] < 2 * 3000
    assert (shown["quantity"], shown["next_charge"]["amount"]) == (5, 15000)
    assert await paid(ada) == [9000, shown["due_now"]["amount"]]
    assert (await ada.letters())[-1] == "plan_changed"
    line = (await ada.ask("GET", "/subscriptions/me/timeline?newest_first=true")).json()["entries"][0]
    assert (line["entry"], line["detail"]["previous_quantity"], line["detail"]["quantity"]) == (
        "plan_changed",
        "3",
        "5",
    )
    assert await contradictions(world, ada) == []


async def test_seats_that_the_bank_declines_are_not_granted(world: World) -> None:
    ada = await a_team(world)
    await ada.use_card("pm_card_chargeCustomerFail")

    declined = await seats(ada, 5)

    mine = await ada.mine()
    assert (declined.status_code, mine["quantity"], mine["planned_change"]) == (402, 3, None)
    assert await at_stripe(ada) == 3
    assert await contradictions(world, ada) == []


async def test_seats_that_the_bank_asks_about_wait_for_the_answer(world: World) -> None:
    ada = await a_team(world)
    await ada.use_card("pm_card_authenticationRequired")

    asked = await seats(ada, 5)

    mine = await ada.mine()
    assert (asked.status_code, mine["quantity"], mine["planned_change"]["quantity"]) == (402, 3, 5)
    assert (await seats(ada, None)).json()["planned_change"] is None, "asking for what one has drops it"


async def test_fewer_seats_wait_until_what_is_paid_is_over(world: World) -> None:
    ada = await a_team(world)

    asked = await seats(ada, 2)

    assert asked.status_code == 200, asked.text
    mine = await ada.mine()
    planned = mine["planned_change"]
    assert (mine["quantity"], planned["plan"], planned["quantity"], planned["total"]) == (3, "PRO", 2, 6000)
    assert (await ada.letters())[-1] == "plan_change_scheduled"
    assert (await seats(ada, 2)).json()["code"] == "same_plan"

    await ada.travel(days=25)

    mine = await ada.mine()
    assert (mine["quantity"], mine["planned_change"], await at_stripe(ada)) == (2, None, 2)
    assert await paid(ada) == [9000, 6000]
    assert (await ada.timeline())[-2:] == ["plan_changed", "renewed"]
    assert await contradictions(world, ada) == []


async def test_in_a_trial_seats_change_without_a_charge_and_the_trial_ends_when_it_would(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("PRO", quantity=2)
    await ada.travel(days=3)
    ends = (await ada.mine())["trial_ends_at"]

    changed = (await seats(ada, 4)).json()

    assert (changed["status"], changed["quantity"], changed["trial_ends_at"]) == ("trialing", 4, ends)
    assert sum(await paid(ada)) == 0
    await ada.travel(days=12)
    assert (await paid(ada))[-1] == 12000


async def test_seats_follow_to_another_plan_as_far_as_it_is_sold_in_them(world: World) -> None:
    ada = await a_team(world)

    assert (await seats(ada, None, "PRO", interval="year")).json()["quantity"] == 3
    smaller = (await seats(ada, None, "BASIC")).json()

    assert (smaller["planned_change"]["plan"], smaller["planned_change"]["quantity"]) == ("BASIC", 1)


async def test_a_dearer_plan_with_fewer_seats_is_no_upgrade(world: World) -> None:
    ada = await a_team(world, seats=5)

    asked = (await seats(ada, 1, "ENTERPRISE")).json()

    assert (asked["plan"], asked["planned_change"]["plan"], asked["planned_change"]["total"]) == (
        "PRO",
        "ENTERPRISE",
        10000,
    )
    assert await paid(ada) == [15000]


async def test_what_a_plan_is_not_sold_in_is_refused_everywhere(world: World) -> None:
    ada = await a_team(world)
    checkout = {
        "interval": "month",
        "success_url": "https://app.example.com/",
        "cancel_url": "https://app.example.com/",
    }
    bob = await world.customer("Bob")

    refused = [
        await seats(ada, 51),
        await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO", "quantity": 51}),
        await bob.subscribe("BASIC", quantity=2),
        await bob.ask("POST", "/checkout", {"plan": "PRO", "quantity": 51, **checkout}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(422, "quantity_too_large")] * 4
    assert "at most 50" in refused[0].json()["detail"]
    assert "not sold by quantity" in refused[2].json()["detail"]
    for odd in (0, -1, 1.5, "2", True, 10**9):
        answer = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "quantity": odd})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), odd


async def test_a_preview_holds_for_the_seats_that_it_showed(world: World) -> None:
    ada = await a_team(world)
    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO", "quantity": 5})).json()

    other = await seats(ada, 6, preview_token=shown["preview_token"])

    assert (other.status_code, other.json()["code"]) == (409, "preview_stale")
    assert await at_stripe(ada) == 3


async def test_seats_that_an_operator_adds_in_stripe_are_adopted_and_told(world: World) -> None:
    ada = await a_team(world)
    subscription = await ada.stripe_subscription()
    item = subscription["items"]["data"][0]["id"]

    await world.stripe.v1.subscriptions.update_async(
        subscription["id"], {"items": [{"id": item, "quantity": 7}], "proration_behavior": "none"}
    )
    await ada.settled()

    mine = await ada.mine()
    assert (mine["quantity"], mine["total"]) == (7, 21000)
    assert (await ada.letters())[-1] == "plan_changed"
    assert (await ada.timeline())[-1] == "plan_changed"


async def test_a_checkout_for_a_team_is_adopted_with_its_seats(world: World) -> None:
    ada = await world.customer()
    page = {"success_url": "https://app.example.com/", "cancel_url": "https://app.example.com/"}
    opened = await ada.ask("POST", "/checkout", {"plan": "PRO", "interval": "month", "quantity": 4, **page})
    assert opened.status_code == 201, opened.text

    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete")
    await ada.settled()

    mine = await ada.mine()
    assert (mine["quantity"], mine["total"], await at_stripe(ada)) == (4, 12000, 4)
