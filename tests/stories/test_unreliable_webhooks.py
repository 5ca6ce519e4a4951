"""Stripe's messages come twice, out of order or never; nobody may notice in the end."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from local.programs import Mailbox
from settings import Settings
from tests.fixtures.books import catch_up, contradictions, differences
from tests.fixtures.worlds import Customer, World, settings_for


@pytest.fixture
def world_settings(database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox) -> Settings:
    """A Stripe of its own: what is lost here must not be found in another test."""
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox)


@pytest_asyncio.fixture
async def stripe_control(world_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The local Stripe's own buttons."""
    async with httpx.AsyncClient(base_url=f"{world_settings.stripe_api_url}/_local", trust_env=False) as http:
        yield http


async def a_life(ada: Customer) -> None:
    """Trial, first charge, renewal, a card that dies, recovery, upgrade, farewell, and a second life."""
    await ada.subscribe("BASIC", trial_period_days=14)
    await ada.travel(days=14, hours=2)
    await ada.travel(days=31)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=33)
    await ada.use_card("pm_card_visa")
    await ada.world.stripe.v1.invoices.pay_async((await ada.stripe_subscription())["latest_invoice"])
    await catch_up(ada.world, ada)
    await asked(ada, "PATCH", "/subscriptions/plan", {"plan": "PRO", "interval": "month"})
    await asked(ada, "DELETE", "/subscriptions?timing=period_end")
    await ada.travel(days=31)


async def asked(ada: Customer, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    answer = await ada.ask(method, path, body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_life_whose_messages_are_doubled_reordered_and_lost(
    world: World, stripe_control: httpx.AsyncClient, seed: int
) -> None:
    ada = await world.customer()
    await stripe_control.post("/webhooks/chaos", json={"seed": seed, "double": 0.3, "reorder": 0.4, "drop": 0.3})

    await a_life(ada)
    await catch_up(world)

    assert await ada.status() == "canceled"
    assert await differences(world, ada) == []
    await ada.letters()
    assert await contradictions(world, ada) == []


async def test_not_one_message_arrives_and_the_books_agree_all_the_same(
    world: World, stripe_control: httpx.AsyncClient
) -> None:
    await stripe_control.post("/webhooks/chaos", json={"drop": 1})
    ada = await world.customer()

    await a_life(ada)
    await catch_up(world)

    assert await differences(world, ada) == []
    assert await contradictions(world, ada) == []
    everything = await world.rows("select * from billing.events where status in ('pending', 'delivered')")
    assert not everything, "an event waits although nobody will ever come for it"


async def test_a_failed_renewal_that_nobody_told_us_of_is_found(
    world: World, stripe_control: httpx.AsyncClient
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card("pm_card_chargeCustomerFail")
    await stripe_control.post("/webhooks/chaos", json={"drop": 1})
    await ada.travel(days=32)
    assert await ada.status() == "active", "nobody told us"

    await catch_up(world)

    assert await ada.status() == "past_due"
    assert await differences(world, ada) == []
    assert (await ada.letters())[-1] == "payment_failed"
