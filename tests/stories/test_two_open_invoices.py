"""More than one invoice is open: whoever leaves owes none of them, and a new card pays all of them."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from settings import ROOT, Settings
from tests.fixtures.books import contradictions, differences
from tests.fixtures.fairness import complaints
from tests.fixtures.worlds import Customer, Mailbox, World, settings_for
from tests.stories.test_a_disputed_payment import hears_of, last_charge
from tests.stories.test_a_new_card import charged, chooses, declines


@pytest.fixture
def after_grace(request: pytest.FixtureRequest) -> str:
    """What the plans file says."""
    return str(getattr(request, "param", "cancel"))


@pytest.fixture
def world_settings(
    database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox, tmp_path: Path, after_grace: str
) -> Settings:
    """Patience for longer than a month, so that a second invoice comes meanwhile."""
    plans = (ROOT / "plans.toml").read_text().replace("grace_days = 14", "grace_days = 40")
    file = tmp_path / "plans.toml"
    file.write_text(plans.replace('after_grace = "cancel"', f'after_grace = "{after_grace}"'))
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox, plans_file=file)


async def owes_two_months(world: World) -> tuple[Customer, str]:
    """Past due for a month, when the next one is billed; and the charge that was paid before."""
    await world.at_stripe("/settings", {"retry_days": [3, 5, 7], "after_last_retry": "past_due"})
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    charge = await last_charge(ada)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=63)
    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "open", "open"]
    return ada, charge


async def cancels(ada: Customer, _: str) -> None:
    assert (await ada.ask("DELETE", "/subscriptions")).status_code == 200


async def never_pays(ada: Customer, _: str) -> None:
    await ada.travel(days=15)


async def disputes(ada: Customer, charge: str) -> None:
    await ada.world.at_stripe(f"/charges/{charge}/dispute", {"reason": "fraudulent"})
    await hears_of(ada, "charge.dispute.created", charge=charge)


async def is_forgotten(ada: Customer, _: str) -> None:
    assert (await ada.ask("DELETE", "/account")).status_code == 200


@pytest.mark.parametrize("leaves", [cancels, never_pays, disputes, is_forgotten])
async def test_who_is_gone_owes_nothing_any_more(
    world: World, leaves: Callable[[Customer, str], Awaitable[None]]
) -> None:
    ada, charge = await owes_two_months(world)
    customer, subscription = await ada.stripe_customer_id(), (await ada.stripe_subscription())["id"]

    await leaves(ada, charge)
    await ada.wait_for_status("canceled")

    found = await world.stripe.v1.invoices.list_async({"subscription": subscription, "limit": 100})
    assert [invoice.status for invoice in found.data] == ["void", "void", "paid"]
    charges = await world.stripe.v1.charges.list_async({"customer": customer})
    assert [one.id for one in charges.data if one.paid] == [charge]


async def test_an_older_invoice_that_was_left_open_is_void_when_a_paying_customer_leaves(world: World) -> None:
    ada, _ = await owes_two_months(world)
    await ada.use_card("pm_card_visa")
    newest = (await ada.stripe_subscription())["latest_invoice"]
    await world.stripe.v1.invoices.pay_async(newest)
    await ada.wait_for_status("active")
    await ada.settled()
    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "open", "paid"]

    preview = await ada.ask("POST", "/subscriptions/preview", {"cancel": "now"})
    assert [invoice["amount"] for invoice in preview.json()["voided_invoices"]] == [1000]
    assert (await ada.ask("DELETE", "/subscriptions?timing=now")).status_code == 200
    await ada.settled()

    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "void", "paid"]
    assert await differences(world, ada) == []
    assert await contradictions(world, ada) == []


async def test_a_new_card_pays_both_months_at_once(world: World) -> None:
    ada, _ = await owes_two_months(world)

    await chooses(ada, "pm_card_visa")

    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"], mine["open_invoice"]) == ("active", True, None)
    assert await charged(ada) == [1000, 1000, 1000]
    assert (await ada.letters()).count("payment_recovered") == 1
    await ada.travel(days=31)
    assert await charged(ada) == [1000, 1000, 1000, 1000]
    assert await complaints(world, ada) == []


async def test_a_card_that_the_bank_refuses_is_asked_for_one_of_them_only(world: World) -> None:
    ada, _ = await owes_two_months(world)
    told = (await ada.timeline()).count("payment_failed_again")
    made = await declines(ada)

    await chooses(ada, "pm_card_chargeCustomerFail")

    assert await declines(ada) == made + 1
    assert (await ada.timeline()).count("payment_failed_again") == told + 1
    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "open", "open"]
    assert await complaints(world, ada) == []


@pytest.mark.parametrize("after_grace", ["unpaid"], indirect=True)
async def test_who_is_kept_unpaid_with_two_open_invoices_is_back_with_one_card(world: World) -> None:
    ada, _ = await owes_two_months(world)
    await ada.travel(days=25)
    told = (await ada.timeline()).count("payment_failed_again")
    await ada.travel(days=18)
    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "open", "open", "draft"]
    assert (await ada.mine())["access"]["reason"] == "grace_ended"
    assert "collection_stopped" in await ada.timeline()

    await chooses(ada, "pm_card_visa")

    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"], mine["open_invoice"]) == ("active", True, None)
    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "paid", "paid", "draft"]
    assert (await ada.timeline()).count("payment_failed_again") == told, "nothing failed since"
    assert (await ada.stripe_subscription())["pause_collection"] is None
    assert await complaints(world, ada) == []
