"""Somebody deletes the customer in Stripe's dashboard: the subscription ends, and the user can begin as a new one.

https://docs.stripe.com/api/customers/delete: it cannot be undone and cancels the customer's subscriptions at once.
"""

import asyncio

import httpx
import pytest
import stripe

from tests.fixtures.books import contradictions
from tests.fixtures.worlds import Customer, World

ADDRESSES = {"success_url": "http://localhost/yes", "cancel_url": "http://localhost/no"}


async def deleted(ada: Customer) -> str:
    gone = await ada.stripe_customer_id()
    await ada.world.stripe.v1.customers.delete_async(gone)
    await ada.settled()
    return gone


async def customers_in_stripe(ada: Customer) -> list[stripe.Customer]:
    found = await ada.world.stripe.v1.customers.search_async({"query": f"metadata['user_id']:'{ada.id}'"})
    return list(found.data)


async def running(ada: Customer) -> list[str]:
    asked = {"customer": await ada.stripe_customer_id()}
    found = await ada.world.stripe.v1.subscriptions.list_async(asked)  # type: ignore[arg-type]
    return [life.status for life in found.data]


async def checkout(ada: Customer) -> httpx.Response:
    return await ada.ask("POST", "/checkout", {"plan": "BASIC", "interval": "month", **ADDRESSES})


async def test_a_customer_deleted_in_stripe_subscribes_again_as_a_new_one(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    first = await deleted(ada)

    assert await ada.status() == "canceled"
    assert await ada.timeline() == ["subscribed", "canceled"]
    assert await ada.concern() is None

    answer = await ada.subscribe("PRO", trial_period_days=0)
    await ada.settled()

    assert answer.status_code == 201, answer.text
    second = await ada.stripe_customer_id()
    assert second != first
    assert [customer.id for customer in await customers_in_stripe(ada)] == [second]
    assert await running(ada) == ["active"]
    assert (await ada.mine())["plan"] == "PRO"
    assert await ada.concern() is None
    assert await contradictions(world, ada) == []

    await ada.travel(days=32)
    assert (await ada.timeline())[-1] == "renewed", "the new customer lives on the same clock"


async def test_a_new_customer_who_is_deleted_too_is_followed_by_another(world: World) -> None:
    ada = await world.customer()
    seen = set()
    for _ in range(3):
        assert (await ada.subscribe("BASIC", trial_period_days=0)).status_code == 201
        await ada.settled()
        seen.add(await deleted(ada))
        assert await ada.status() == "canceled"
    assert len(seen) == 3
    assert await customers_in_stripe(ada) == []


async def test_a_customer_deleted_in_stripe_has_no_portal_and_may_check_out(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    first = await deleted(ada)

    portal = await ada.ask("POST", "/portal", {"return_url": "http://localhost/back"})
    assert (portal.status_code, portal.json()["code"]) == (404, "no_customer")
    opened = await checkout(ada)
    assert opened.status_code == 201, opened.text
    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete", {"payment_method": "pm_card_visa"})
    await ada.wait_for_status("trialing")
    await ada.settled()

    assert await ada.concern() is None
    assert await ada.stripe_customer_id() != first
    assert await running(ada) == ["trialing"]
    assert (await ada.ask("POST", "/portal", {"return_url": "http://localhost/back"})).status_code == 201


@pytest.mark.parametrize("doors", [1, 4])
async def test_two_clicks_after_the_deletion_make_one_new_customer(world: World, doors: int) -> None:
    ada = await world.customer()
    await checkout(ada)
    first = await deleted(ada)

    answers = await asyncio.gather(*[checkout(ada) for _ in range(doors)])

    assert [answer.status_code for answer in answers] == [201] * doors
    (second,) = await customers_in_stripe(ada)
    assert second.id == await ada.stripe_customer_id() != first


async def test_a_card_declined_at_the_new_beginning_leaves_the_new_customer_in_place(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await deleted(ada)

    declined = await ada.subscribe("BASIC", trial_period_days=0, card="pm_card_chargeDeclined")
    await ada.settled()
    accepted = await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    assert (declined.status_code, accepted.status_code) == (402, 201)
    assert [customer.id for customer in await customers_in_stripe(ada)] == [await ada.stripe_customer_id()]
    assert await running(ada) == ["active"]


async def test_the_new_customer_may_choose_another_currency(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0, currency="jpy")
    await ada.settled()
    asked = {"plan": "PRO", "interval": "month", "currency": "eur"}
    assert (await ada.ask("POST", "/subscriptions/preview", asked)).json()["code"] == "currency_locked"
    await deleted(ada)

    shown = await ada.ask("POST", "/subscriptions/preview", asked)
    begun = await ada.subscribe("PRO", trial_period_days=0, currency="eur")
    await ada.settled()

    assert (shown.json()["next_charge"]["amount"], shown.json()["next_charge"]["currency"]) == (2800, "eur")
    assert (begun.status_code, begun.json()["currency"]) == (201, "eur")
    assert [(one["amount_paid"], one["currency"]) for one in await ada.invoices()] == [(2800, "eur")]
    assert await contradictions(world, ada) == []
    await ada.ask("DELETE", "/subscriptions?timing=now")
    again = await ada.subscribe("BASIC", trial_period_days=0, currency="jpy")
    assert (again.status_code, again.json()["code"]) == (409, "currency_locked")


async def test_a_page_for_the_new_customer_may_be_in_another_currency(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0, currency="jpy")
    await ada.settled()
    await deleted(ada)
    assert (await checkout(ada)).status_code == 201

    other = {"plan": "PRO", "interval": "month", "currency": "eur", **ADDRESSES}
    opened = await ada.ask("POST", "/checkout", other)
    assert opened.status_code == 201, opened.text
    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete", {"payment_method": "pm_card_visa"})
    await ada.wait_for_status("trialing")

    assert ((await ada.mine())["currency"], await ada.concern()) == ("eur", None)
