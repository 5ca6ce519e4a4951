"""Stripe is away for a while, or its answer never comes: the customer is told to wait, and is charged once."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from local.programs import Mailbox
from local.waiting import until
from settings import Settings
from tests.fixtures.books import contradictions, differences, lives_of
from tests.fixtures.worlds import Customer, World, settings_for


@pytest.fixture
def world_settings(database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox) -> Settings:
    """Little patience."""
    impatient = {"stripe_timeout_seconds": 0.5, "request_deadline_seconds": 0.7}
    return settings_for(database, temporal_server, local_stripe, mailbox, **impatient)


@pytest_asyncio.fixture
async def stripe_control(world_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The local Stripe's own buttons."""
    async with httpx.AsyncClient(base_url=f"{world_settings.stripe_api_url}/_local", trust_env=False) as http:
        yield http
        await http.post("/outage", json={})


async def is_carried_out_later(ada: Customer, answer: httpx.Response) -> None:
    """202 says where to ask; there it is found done in the end."""
    assert answer.status_code == 202, answer.text
    address = answer.headers["location"].removeprefix("/billing")

    async def is_done() -> bool:
        operation = (await ada.ask("GET", address)).json()
        assert operation["status"] in {"pending", "succeeded"}, operation
        return bool(operation["status"] == "succeeded")

    await until(is_done, within=30, what="the intent was not carried out")
    await ada.settled()


async def paid(ada: Customer) -> int:
    return sum(int(invoice["amount_paid"]) for invoice in await ada.invoices())


async def agrees(ada: Customer) -> None:
    """Nothing was done twice, nothing is missing, every letter came once."""
    await ada.letters()
    assert await differences(ada.world, ada) == []
    assert await contradictions(ada.world, ada) == []


@pytest.mark.parametrize("trouble", [500, 429, 409, "reset", "hang"])
async def test_a_customer_who_signs_up_while_stripe_is_away_is_charged_once_when_it_is_back(
    world: World, stripe_control: httpx.AsyncClient, trouble: int | str
) -> None:
    ada = await world.customer()
    await stripe_control.post("/outage", json={"status": trouble, "seconds": 1})

    answer = await ada.subscribe("BASIC", trial_period_days=0)
    await is_carried_out_later(ada, answer)

    assert await ada.status() == "active"
    assert await paid(ada) == 1000
    assert len(await lives_of(world, ada)) == 1
    await agrees(ada)


async def test_a_change_and_a_farewell_while_stripe_is_away_happen_once_when_it_is_back(
    world: World, stripe_control: httpx.AsyncClient
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    await stripe_control.post("/outage", json={"status": "reset", "seconds": 1})
    await is_carried_out_later(ada, await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"}))
    await stripe_control.post("/outage", json={"status": 429, "seconds": 1})
    await is_carried_out_later(ada, await ada.ask("DELETE", "/subscriptions?timing=period_end"))

    mine = await ada.mine()
    assert (mine["plan"], mine["cancel_at_period_end"]) == ("PRO", True)
    assert await ada.timeline() == ["subscribed", "plan_changed", "cancellation_scheduled"]
    await agrees(ada)


LOST: list[tuple[str, dict[str, Any]]] = [
    ("the customer", {"method": "POST", "path": "/v1/customers"}),
    ("the card", {"method": "POST", "path": "/v1/payment_methods"}),
    ("the subscription", {"method": "POST", "path": "/v1/subscriptions"}),
]


@pytest.mark.parametrize("call", [call for _, call in LOST], ids=[name for name, _ in LOST])
async def test_an_answer_that_is_lost_after_the_deed_makes_no_second_one(
    world: World, stripe_control: httpx.AsyncClient, call: dict[str, Any]
) -> None:
    ada = await world.customer()
    await stripe_control.post("/outage", json={"status": "lost", "count": 1, **call})

    await is_carried_out_later(ada, await ada.subscribe("BASIC", trial_period_days=0))

    assert len(await lives_of(world, ada)) == 1
    assert await paid(ada) == 1000
    await agrees(ada)


async def test_lost_answers_to_an_upgrade_and_an_end_charge_nobody_twice(
    world: World, stripe_control: httpx.AsyncClient
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    await stripe_control.post("/outage", json={"status": "lost", "count": 1, "method": "POST"})
    await is_carried_out_later(ada, await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"}))
    assert await paid(ada) == 1000 + 2000, "the difference was charged once"
    await stripe_control.post("/outage", json={"status": "lost", "count": 1, "method": "DELETE"})
    await is_carried_out_later(ada, await ada.ask("DELETE", "/subscriptions?timing=now"))

    assert await ada.status() == "canceled"
    assert await ada.timeline() == ["subscribed", "plan_changed", "canceled"]
    await agrees(ada)


async def test_a_declined_card_whose_answer_was_lost_is_told_and_leaves_nothing_running(
    world: World, stripe_control: httpx.AsyncClient
) -> None:
    ada = await world.customer()
    await stripe_control.post("/outage", json={"status": "lost", "count": 1, "method": "POST", "path": "/v1/subs"})

    key = "the-first-try"
    body = {
        "plan": "BASIC",
        "interval": "month",
        "trial_period_days": 0,
        "payment_method": "pm_card_chargeCustomerFail",
    }
    first = await ada.ask("POST", "/subscriptions", body, key)

    async def is_declined() -> bool:
        answer = await ada.ask("POST", "/subscriptions", body, key)
        assert answer.status_code in {202, 402}, answer.text
        return answer.status_code == 402

    assert first.status_code == 202, first.text
    await until(is_declined, within=30, what="the customer never hears of the decline")
    assert [life["status"] for life in await lives_of(world, ada)] == ["incomplete_expired"]
    assert await paid(ada) == 0


@pytest.mark.parametrize("trouble", [500, "lost"])
async def test_the_end_of_grace_comes_while_stripe_is_away(
    world: World, stripe_control: httpx.AsyncClient, trouble: int | str
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    assert await ada.status() == "past_due"

    voiding = {"method": "POST", "path": "/v1/invoices"}
    await stripe_control.post("/outage", json={"status": trouble, "count": 1, **voiding})
    await ada.travel(days=14)

    assert await ada.status() == "canceled"
    assert (await ada.invoices())[-1]["status"] == "void"
    assert (await ada.timeline())[-1] == "gave_up"
    await agrees(ada)


async def test_a_message_of_stripes_that_nobody_can_look_into_is_looked_into_later(
    world: World, stripe_control: httpx.AsyncClient
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    await stripe_control.post("/outage", json={"status": 500, "count": 2, "method": "GET", "path": "/v1/subscriptions"})
    await ada.travel(days=31, hours=2)

    assert await ada.timeline() == ["subscribed", "renewed"]
    await agrees(ada)
