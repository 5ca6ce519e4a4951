"""A team lives on its owner's plan: seats that are bought are there at once, and what is not paid is gone for all."""

from typing import Any

import httpx

from tests.fixtures.worlds import Customer, World


async def add(ada: Customer, person: Customer) -> httpx.Response:
    return await ada.ask("PUT", f"/projects/ours/members/{person.id}", {"role": "member"})


async def fits(person: Customer, feature: str, **more: int) -> dict[str, Any]:
    answer = await person.ask("POST", "/projects/ours/check", {"feature": feature, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def granted(person: Customer, path: str = "/projects/ours/entitlements") -> dict[str, Any]:
    answer = await person.ask("GET", path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_team_grows_with_the_seats_that_are_paid_and_stops_when_nobody_pays(world: World) -> None:
    ada, bob, eve = [await world.customer(name) for name in ("Ada Lovelace", "Bob Babbage", "Eve Evans")]
    assert (await ada.ask("PUT", "/projects/ours")).status_code == 403, "nobody has projects without a plan"
    await ada.subscribe("PRO", quantity=2, trial_period_days=0)
    assert (await ada.ask("PUT", "/projects/ours")).status_code == 201
    assert (await add(ada, bob)).status_code == 201
    assert (await add(ada, eve)).status_code == 403
    assert not (await fits(bob, "seats"))["allowed"]

    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "quantity": 3})

    assert (await fits(bob, "seats"))["allowed"], "as soon as the write has answered"
    assert (await add(ada, eve)).status_code == 201
    assert (await granted(eve))["limits"] == {"projects": 50, "seats": 3, "tasks": 10000}

    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    late = await granted(eve)
    assert (late["access"]["granted"], late["access"]["reason"]) == (True, "grace")
    assert (await granted(ada, "/entitlements"))["notice"]["kind"] == "payment_failed"
    assert (await fits(eve, "tasks", used=10))["until"] == late["access"]["until"]

    await ada.travel(days=15)
    over = await granted(eve)
    assert (over["access"]["granted"], over["features"], over["limits"]["tasks"]) == (False, [], 0)
    assert not (await fits(eve, "tasks", used=10))["allowed"]
    assert (await ada.ask("PUT", "/projects/another")).status_code == 403
    assert (await ada.ask("DELETE", f"/projects/ours/members/{eve.id}")).status_code == 204, "tidying up needs no plan"
    assert (await eve.ask("GET", "/projects/ours/entitlements")).status_code == 404
