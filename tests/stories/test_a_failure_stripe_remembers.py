"""Stripe answers a 500 and, as it does, keeps giving that answer for the same key: what was asked is done all the same.

https://docs.stripe.com/api/idempotent_requests: a key's first answer is saved, "including 500 errors".
"""

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

TROUBLE = pytest.mark.parametrize("trouble", [500, "spoiled"], ids=["nothing was done", "it was done all the same"])


@pytest.fixture
def world_settings(database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox) -> Settings:
    """A Stripe of its own, and little patience."""
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox, request_deadline_seconds=0.7)


@pytest_asyncio.fixture
async def stripe_control(world_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The local Stripe's own buttons."""
    async with httpx.AsyncClient(base_url=f"{world_settings.stripe_api_url}/_local", trust_env=False) as http:
        yield http


async def fail_once(stripe_control: httpx.AsyncClient, trouble: int | str, path: str, method: str = "POST") -> None:
    trap = {"status": trouble, "count": 1, "method": method, "path": path}
    assert (await stripe_control.post("/outage", json=trap)).status_code == 200


async def has_struck(stripe_control: httpx.AsyncClient) -> bool:
    return bool((await stripe_control.get("/outage")).json()["count"] == 0)


async def carried_out(ada: Customer, answer: httpx.Response) -> dict[str, Any]:
    """Well within a minute, never mind a day."""
    assert answer.status_code == 202, answer.text
    operation: dict[str, Any] = {}

    async def is_done() -> bool:
        operation.update((await ada.ask("GET", answer.headers["location"].removeprefix("/billing"))).json())
        return bool(operation["status"] != "pending")

    await until(is_done, within=20, what="the intent was not carried out")
    await ada.settled()
    return operation


async def agrees(ada: Customer) -> None:
    """Nothing was done twice, nothing is missing, every letter came once."""
    await ada.letters()
    assert await differences(ada.world, ada) == []
    assert await contradictions(ada.world, ada) == []


async def paid(ada: Customer) -> int:
    return sum(int(invoice["amount_paid"]) for invoice in await ada.invoices())


@TROUBLE
@pytest.mark.parametrize("step", ["/v1/subscriptions", "/v1/customers/", "/v1/payment_methods"])
async def test_a_customer_signs_up_and_stripe_fails_once(
    world: World, stripe_control: httpx.AsyncClient, trouble: int | str, step: str
) -> None:
    ada = await world.customer()
    await fail_once(stripe_control, trouble, step)

    operation = await carried_out(ada, await ada.subscribe("BASIC", trial_period_days=0))

    assert operation["status"] == "succeeded"
    assert await ada.status() == "active"
    assert [life["status"] for life in await lives_of(world, ada)] == ["active"]
    assert await paid(ada) == 1000
    await agrees(ada)


async def test_a_declined_card_is_told_although_stripe_failed_after_the_decline(
    world: World, stripe_control: httpx.AsyncClient
) -> None:
    ada = await world.customer()
    await fail_once(stripe_control, "spoiled", "/v1/subscriptions")

    operation = await carried_out(
        ada, await ada.subscribe("BASIC", trial_period_days=0, card="pm_card_chargeCustomerFail")
    )

    assert operation["status"] == "declined"
    assert [life["status"] for life in await lives_of(world, ada)] == ["incomplete_expired"]
    assert await paid(ada) == 0


@TROUBLE
async def test_an_upgrade_at_which_stripe_fails_once_is_charged_once(
    world: World, stripe_control: httpx.AsyncClient, trouble: int | str
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await fail_once(stripe_control, trouble, "/v1/subscriptions")

    operation = await carried_out(ada, await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"}))

    assert operation["status"] == "succeeded"
    assert (await ada.mine())["plan"] == "PRO"
    assert await paid(ada) == 1000 + 2000, "the difference was charged once"
    assert await ada.timeline() == ["subscribed", "plan_changed"]
    await agrees(ada)


@TROUBLE
async def test_a_farewell_and_a_change_of_mind_at_which_stripe_fails_once(
    world: World, stripe_control: httpx.AsyncClient, trouble: int | str
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    await fail_once(stripe_control, trouble, "/v1/subscriptions")
    await carried_out(ada, await ada.ask("DELETE", "/subscriptions?timing=period_end"))
    assert (await ada.mine())["cancel_at_period_end"] is True

    await fail_once(stripe_control, trouble, "/v1/subscriptions")
    await carried_out(ada, await ada.ask("POST", "/subscriptions/resume"))
    assert (await ada.mine())["cancel_at_period_end"] is False
    assert await ada.timeline() == ["subscribed", "cancellation_scheduled", "cancellation_undone"]
    await agrees(ada)


@TROUBLE
async def test_the_end_of_grace_at_which_stripe_fails_once_voids_and_ends(
    world: World, stripe_control: httpx.AsyncClient, trouble: int | str
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)

    await fail_once(stripe_control, trouble, "/v1/invoices")
    await ada.travel(days=14)

    assert await has_struck(stripe_control)
    assert await ada.status() == "canceled"
    assert (await ada.invoices())[-1]["status"] == "void"
    await agrees(ada)


@pytest.mark.parametrize("page", ["checkout", "portal"])
@TROUBLE
async def test_a_page_at_which_stripe_fails_once_is_opened(
    world: World, stripe_control: httpx.AsyncClient, trouble: int | str, page: str
) -> None:
    ada = await world.customer()
    addresses = {"success_url": "http://localhost/yes", "cancel_url": "http://localhost/no"}
    body = {"plan": "BASIC", "interval": "month", **addresses}
    if page == "portal":
        await ada.ask("POST", "/checkout", body)
        body = {"return_url": "http://localhost/back"}
    await fail_once(stripe_control, trouble, "/v1/checkout" if page == "checkout" else "/v1/billing_portal")

    answer = await ada.ask("POST", f"/{page}", body, "the-only-try")

    assert answer.status_code == 201, answer.text
    assert (await ada.ask("POST", f"/{page}", body, "the-only-try")).json() == answer.json()
    assert await has_struck(stripe_control)


async def test_a_checkout_for_which_stripe_fails_to_make_the_customer(
    world: World, stripe_control: httpx.AsyncClient
) -> None:
    ada = await world.customer()
    await fail_once(stripe_control, 500, "/v1/customers")
    addresses = {"success_url": "http://localhost/yes", "cancel_url": "http://localhost/no"}

    answer = await ada.ask("POST", "/checkout", {"plan": "BASIC", "interval": "month", **addresses})

    assert answer.status_code == 201, answer.text
    assert await has_struck(stripe_control)
