"""Grace is over and nobody has paid: what follows is our policy, whatever Stripe's account is set to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from settings import ROOT, Settings
from tests.fixtures.books import contradictions
from tests.fixtures.fairness import complaints
from tests.fixtures.worlds import Customer, Mailbox, World, settings_for
from tests.stories.test_a_new_card import charged, chooses


@pytest.fixture
def after_grace(request: pytest.FixtureRequest) -> str:
    """What the plans file says."""
    return str(getattr(request, "param", "cancel"))


@pytest.fixture
def world_settings(
    database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox, tmp_path: Path, after_grace: str
) -> Settings:
    plans = (ROOT / "plans.toml").read_text()
    file = tmp_path / "plans.toml"
    file.write_text(plans.replace('after_grace = "cancel"', f'after_grace = "{after_grace}"'))
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox, plans_file=file)


@pytest_asyncio.fixture
async def account(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The settings of the Stripe account."""
    async with httpx.AsyncClient(base_url=f"{world.settings.stripe_api_url}/_local", trust_env=False) as http:
        yield http


async def late(world: World) -> Customer:
    """One month was paid; the second could not be."""
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    assert await ada.status() == "past_due"
    return ada


@pytest.mark.parametrize("setting", ["unpaid", "past_due"])
async def test_who_never_pays_is_let_go_although_the_account_would_keep_them(
    world: World, account: httpx.AsyncClient, setting: str
) -> None:
    asked = {"retry_days": [1, 1, 1], "after_last_retry": setting}
    assert (await account.post("/settings", json=asked)).status_code == 200
    ada = await late(world)
    await ada.travel(days=8)
    assert await ada.status() == setting

    await ada.travel(days=8)

    assert await ada.status() == "canceled"
    assert (await ada.stripe_subscription())["status"] == "canceled"
    assert [invoice["status"] for invoice in await ada.invoices()][:2] == ["paid", "void"]
    assert (await ada.timeline())[-1] == "gave_up"
    assert (await ada.letters()).count("canceled") == 1


@pytest.mark.parametrize("after_grace", ["cancel", "unpaid"], indirect=True)
async def test_grace_lasts_as_long_as_it_was_promised_although_the_account_has_stopped_trying(
    world: World, account: httpx.AsyncClient, after_grace: str
) -> None:
    asked = {"retry_days": [1, 1, 1], "after_last_retry": "unpaid"}
    assert (await account.post("/settings", json=asked)).status_code == 200
    ada = await late(world)
    promised = (await ada.mine())["grace_ends_at"]

    await ada.travel(days=8)

    mine = await ada.mine()
    assert (mine["status"], mine["access"]) == ("unpaid", {"granted": True, "until": promised, "reason": "grace"})
    assert await complaints(world, ada) == []
    declined = (await ada.letters()).count("payment_failed")
    await chooses(ada, "pm_card_chargeCustomerFail")
    assert (await ada.letters()).count("payment_failed") == declined + 1, "who chooses a card hears of it"
    await ada.travel(days=5)
    assert (await ada.mine())["access"]["granted"] is False
    assert await ada.status() == ("canceled" if after_grace == "cancel" else "unpaid")
    assert await complaints(world, ada) == []


@pytest.mark.parametrize("after_grace", ["unpaid"], indirect=True)
async def test_who_is_kept_unpaid_has_no_access_until_the_invoice_is_paid(world: World) -> None:
    ada = await late(world)
    await ada.travel(days=14)
    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"], mine["access"]["reason"]) == ("past_due", False, "grace_ended")
    assert "collection_stopped" in await ada.timeline()
    tries = [invoice["attempt_count"] for invoice in await ada.invoices()]

    await ada.travel(days=40)
    assert [invoice["attempt_count"] for invoice in await ada.invoices()][:2] == tries[:2], "nothing is tried any more"
    assert [invoice["status"] for invoice in await ada.invoices()][2:] == ["draft"]
    assert (await ada.letters()).count("canceled") == 0

    await ada.use_card("pm_card_visa")
    await ada.wait_for_status("active")
    await ada.settled()
    assert (await ada.mine())["access"]["granted"]
    assert (await ada.stripe_subscription())["pause_collection"] is None

    await ada.travel(days=32)
    assert (await ada.invoices())[-1]["status"] == "paid", "what comes next is collected as ever"
    assert await contradictions(world, ada) == []


async def paused_by_the_account(world: World, account: httpx.AsyncClient) -> Customer:
    """Four tries have failed, and the Stripe account is set to pause then."""
    asked = {"retry_days": [1, 1, 1], "after_last_retry": "pause"}
    assert (await account.post("/settings", json=asked)).status_code == 200
    ada = await late(world)
    await ada.travel(days=4)
    assert await ada.status() == "paused"
    return ada


async def resumes(ada: Customer) -> None:
    assert (await ada.ask("POST", "/subscriptions/resume")).status_code == 200


async def converts(ada: Customer) -> None:
    body = {"payment_method": "pm_card_visa"}
    assert (await ada.ask("POST", "/subscriptions/convert", body)).status_code == 200


@pytest.mark.parametrize("goes_on", [resumes, converts])
async def test_who_was_paused_by_the_account_goes_on_with_a_new_period_and_owes_nothing_of_the_old(
    world: World, account: httpx.AsyncClient, goes_on: Callable[[Customer], Awaitable[None]]
) -> None:
    ada = await paused_by_the_account(world, account)
    await chooses(ada, "pm_card_visa")
    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "open"], "the customer has not gone on"

    await goes_on(ada)

    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"], mine["open_invoice"]) == ("active", True, None)
    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "void", "paid"]
    assert await complaints(world, ada) == []


async def test_who_has_paid_while_paused_goes_on_with_the_period_that_is_paid(
    world: World, account: httpx.AsyncClient
) -> None:
    ada = await paused_by_the_account(world, account)
    await chooses(ada, "pm_card_visa")
    await world.stripe.v1.invoices.pay_async((await ada.invoices())[-1]["id"])
    await ada.settled()
    await ada.travel(days=3)

    await resumes(ada)

    assert (await ada.mine())["access"]["granted"]
    assert await charged(ada) == [1000, 1000], "that month is charged once"
    await ada.travel(days=25)
    assert await charged(ada) == [1000, 1000, 1000]
    assert await complaints(world, ada) == []


async def test_who_pays_for_a_month_that_is_over_and_goes_on_later_begins_a_new_one(
    world: World, account: httpx.AsyncClient
) -> None:
    ada = await paused_by_the_account(world, account)
    await chooses(ada, "pm_card_visa")
    await world.stripe.v1.invoices.pay_async((await ada.invoices())[-1]["id"])
    await ada.travel(days=40)

    await resumes(ada)

    assert (await ada.mine())["access"]["granted"]
    assert await charged(ada) == [1000, 1000, 1000]
    assert await complaints(world, ada) == []
