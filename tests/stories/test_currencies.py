"""Customers who pay in euros or yen: charged what they were shown, in one currency for good."""

from typing import Any

import pytest

from tests.fixtures.books import contradictions, differences
from tests.fixtures.worlds import Customer, World

PAGE = {"interval": "month", "success_url": "https://app.example.com/", "cancel_url": "https://app.example.com/"}


async def in_euros(world: World, plan: str = "BASIC", **more: Any) -> Customer:
    """Paid up, ten days into the month."""
    ada = await world.customer()
    begun = await ada.subscribe(plan, **{"currency": "EUR", "trial_period_days": 0} | more)
    assert begun.status_code == 201, begun.text
    await ada.travel(days=10)
    return ada


async def charged(ada: Customer) -> list[tuple[int, str]]:
    return [(invoice["amount_paid"], invoice["currency"]) for invoice in await ada.invoices()]


async def letter(ada: Customer, kind: str) -> dict[str, Any]:
    await ada.letters()
    query = "select data from billing.notifications where user_id = :id and kind = :kind order by created_at desc"
    return dict((await ada.world.rows(query, id=ada.id, kind=kind))[0].data)


async def test_a_customer_who_pays_in_euros_stays_with_euros(world: World) -> None:
    ada = await in_euros(world)

    mine = await ada.mine()
    assert (mine["amount"], mine["currency"], await charged(ada)) == (900, "eur", [(900, "eur")])

    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO"})).json()
    assert shown["next_charge"]["amount"] == 2800
    assert {shown["due_now"]["currency"], shown["next_charge"]["currency"]} == {"eur"}
    upgraded = await ada.ask(
        "PATCH", "/subscriptions/plan", {"plan": "PRO", "preview_token": shown["preview_token"], "currency": "eur"}
    )
    await ada.settled()

    assert (upgraded.status_code, upgraded.json()["plan"], upgraded.json()["amount"]) == (200, "PRO", 2800)
    assert (await charged(ada))[-1] == (shown["due_now"]["amount"], "eur")
    assert await contradictions(world, ada) == []


async def test_another_currency_is_refused_and_the_answer_says_which_it_is(world: World) -> None:
    ada = await in_euros(world)

    refused = [
        await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "currency": "usd"}),
        await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO", "currency": "usd"}),
    ]
    await ada.ask("DELETE", "/subscriptions?timing=now")
    refused += [
        await ada.subscribe("BASIC", currency="usd", trial_period_days=0),
        await ada.ask("POST", "/checkout", {"plan": "PRO", "currency": "usd", **PAGE}),
    ]

    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (409, "currency_locked"), answer.text
        assert "charged in eur" in answer.json()["detail"]


async def test_a_new_life_goes_on_in_the_customers_currency(world: World) -> None:
    ada = await in_euros(world)
    await ada.ask("DELETE", "/subscriptions?timing=now")

    again = await ada.subscribe("PRO")
    await ada.settled()

    assert (again.status_code, again.json()["currency"], again.json()["amount"]) == (201, "eur", 2800)
    rows = await world.rows("select currency from billing.customers where user_id = :id", id=ada.id)
    assert rows[0].currency == "eur"
    assert (await ada.ask("GET", "/export")).json()["customer"]["currency"] == "eur"


async def test_a_trial_fixes_the_currency_too(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", currency="jpy")
    await ada.settled()

    other = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "BASIC", "interval": "year", "currency": "eur"})
    unsold = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"})

    assert other.json()["code"] == "currency_locked"
    assert (unsold.status_code, unsold.json()["code"]) == (422, "currency_not_offered")
    assert "PRO is not sold in jpy; it is sold in usd, eur" in unsold.json()["detail"]

    await ada.travel(days=15)
    assert (await charged(ada))[-1] == (1500, "jpy")
    assert ((await letter(ada, "trial_ending"))["amount"], await differences(world, ada)) == (1500, [])


@pytest.mark.parametrize("currency", ["e", "euro", "€", "12", ""])
async def test_what_is_no_currency_is_named(world: World, currency: str) -> None:
    ada = await world.customer()
    answer = await ada.subscribe("BASIC", currency=currency)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "currency")


async def test_a_currency_that_nothing_is_sold_in_is_named(world: World) -> None:
    ada = await world.customer()
    answer = await ada.subscribe("BASIC", currency="chf")
    assert (answer.status_code, answer.json()["code"]) == (422, "currency_not_offered")


async def test_a_checkout_in_yen_is_adopted_and_fixes_the_currency(world: World) -> None:
    ada = await world.customer()
    opened = await ada.ask("POST", "/checkout", {"plan": "BASIC", "currency": "JPY", **PAGE})
    assert opened.status_code == 201, opened.text

    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete")
    await ada.settled()

    mine = await ada.mine()
    assert (mine["status"], mine["amount"], mine["currency"]) == ("trialing", 1500, "jpy")
    assert (await ada.ask("POST", "/subscriptions/preview", {"plan": "BASIC", "currency": "eur"})).status_code == 409


async def test_who_was_forgotten_may_come_back_with_another_currency(world: World) -> None:
    ada = await in_euros(world)
    assert (await ada.ask("DELETE", "/account")).status_code == 200

    back = await ada.subscribe("BASIC", currency="usd", trial_period_days=0)

    assert (back.status_code, back.json()["currency"]) == (201, "usd")


async def test_the_plans_are_shown_in_every_currency(world: World) -> None:
    ada = await world.customer()
    plans = (await ada.ask("GET", "/plans")).json()["plans"]
    basic = [(price["currency"], price["interval"], price["amount"]) for price in plans[0]["prices"]]
    assert basic == [
        ("usd", "month", 1000),
        ("usd", "year", 10000),
        ("eur", "month", 900),
        ("eur", "year", 9000),
        ("jpy", "month", 1500),
        ("jpy", "year", 15000),
    ]
