"""Who cancels at once in a paid period gets back what the plan's rule says: once, never too much, and a person hears
when it cannot be done."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from activities.gateway import open_stripe
from local.waiting import until
from settings import ROOT, Settings
from tests.fixtures.books import contradictions, differences
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, Mailbox, World, settings_for
from tests.stories.test_a_disputed_payment import last_charge, no_faults
from tests.stories.test_a_refund import administrator, given_back, refund

MONTH = 1000


@pytest.fixture
def rule(request: pytest.FixtureRequest) -> str:
    """What the plans file says."""
    return str(getattr(request, "param", "prorated"))


@pytest.fixture
def world_settings(
    database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox, tmp_path: Path, rule: str
) -> Settings:
    plans = (ROOT / "plans.toml").read_text()
    file = tmp_path / "plans.toml"
    file.write_text(plans.replace('refund_on_cancel = "none"', f'refund_on_cancel = "{rule}"'))
    return settings_for(database, temporal_server, local_stripe, mailbox, plans_file=file)


async def paying(world: World, plan: str = "BASIC") -> Customer:
    """A customer who paid for a month."""
    ada = await world.customer()
    await ada.subscribe(plan, trial_period_days=0)
    await ada.settled()
    return ada


async def leaves(ada: Customer, key: str | None = None) -> dict[str, Any]:
    answer = await ada.ask("DELETE", "/subscriptions?timing=now", key=key)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def shown(ada: Customer, timing: str = "now") -> dict[str, Any]:
    """The preview of a cancellation."""
    answer = await ada.ask("POST", "/subscriptions/preview", {"cancel": timing})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def line(ada: Customer, entry: str) -> dict[str, Any]:
    answer = await ada.ask("GET", "/subscriptions/me/timeline?limit=100")
    (found,) = [one for one in answer.json()["entries"] if one["entry"] == entry]
    return dict(found)


async def letter_of_the_end(ada: Customer) -> dict[str, Any]:
    """What the letter about the end says."""
    await ada.letters()
    query = "select data from billing.notifications where user_id = :user_id and kind = 'canceled'"
    (row,) = await ada.world.rows(query, user_id=ada.id)
    return dict(row.data)


async def test_the_seconds_that_are_left_are_given_back(world: World) -> None:
    ada = await paying(world)
    await ada.travel(days=10)
    before = await shown(ada)
    assert (await ada.mine())["status"] == "active", "a preview changes nothing"

    assert (await leaves(ada))["status"] == "canceled"
    await ada.settled()

    told = await line(ada, "refunded")
    unused, whole = map(int, told["detail"]["seconds_unused"].split(" of "))
    subscription = await ada.stripe_subscription()
    period_end = subscription["items"]["data"][0]["current_period_end"]
    assert abs(unused - (period_end - subscription["ended_at"])) < 300
    assert await given_back(ada) == [MONTH * unused // whole] != [MONTH]
    assert abs(before["refund"]["amount"] - MONTH * unused // whole) <= 1
    assert told["detail"]["rule"] == "refund_on_cancel = prorated"
    assert await ada.timeline() == ["subscribed", "canceled", "refunded"]
    assert (await letter_of_the_end(ada))["refunded"] == MONTH * unused // whole
    assert await ada.letters() == ["welcome", "canceled"]
    assert await differences(world, ada) == []
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize("rule", ["full"], indirect=True)
async def test_all_that_is_left_of_the_period_goes_back_after_a_cancellation_was_scheduled_and_once(
    world: World,
) -> None:
    ada, grace = await paying(world), await administrator(world)
    await ada.travel(days=32)
    await refund(grace, ada, amount=300)
    await ada.ask("DELETE", "/subscriptions")
    await ada.settled()

    await leaves(ada, "click")
    await leaves(ada, "click")
    again = await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()

    assert (again.status_code, again.json()["code"]) == (404, "no_subscription")
    assert await given_back(ada) == [300, 700], "the month before stays paid"
    assert (await letter_of_the_end(ada))["refunded"] == 700
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize("rule", ["full"], indirect=True)
async def test_an_upgrade_that_was_paid_goes_back_with_the_month(world: World) -> None:
    ada = await paying(world)
    await ada.travel(days=10)
    assert (await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"})).status_code == 200
    await ada.settled()
    paid = [invoice["amount_paid"] for invoice in await ada.invoices()]
    assert (await shown(ada))["refund"] == {"amount": sum(paid), "currency": "usd"}

    await leaves(ada)
    await ada.settled()

    assert sorted(await given_back(ada)) == sorted(paid)
    assert (await letter_of_the_end(ada))["refunded"] == sum(paid)


@pytest.mark.parametrize("rule", ["none"], indirect=True)
async def test_without_a_rule_nothing_goes_back(world: World) -> None:
    ada = await paying(world)
    assert (await shown(ada))["refund"]["amount"] == 0

    await leaves(ada)
    await ada.settled()

    assert await given_back(ada) == []
    assert await ada.timeline() == ["subscribed", "canceled"]
    assert "refunded" not in await letter_of_the_end(ada)


@pytest.mark.parametrize("rule", ["full"], indirect=True)
async def test_who_leaves_while_past_due_gets_nothing_back_and_owes_nothing(world: World) -> None:
    ada = await paying(world)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    preview = await shown(ada, "period_end")
    assert (preview["timing"], preview["refund"]["amount"]) == ("now", 0)
    assert [invoice["amount"] for invoice in preview["voided_invoices"]] == [MONTH]

    await leaves(ada)
    await ada.settled()

    assert await given_back(ada) == []
    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "void"]


@pytest.mark.parametrize("rule", ["full"], indirect=True)
async def test_in_a_trial_nothing_was_paid_so_nothing_goes_back(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")
    await ada.settled()
    assert (await shown(ada))["refund"]["amount"] == 0

    await leaves(ada)
    await ada.settled()

    assert await ada.timeline() == ["trial_started", "canceled"]


@pytest.mark.parametrize("rule", ["full"], indirect=True)
async def test_what_a_bank_decides_about_is_not_given_back(world: World) -> None:
    ada = await paying(world)
    inquiry = {"reason": "fraudulent", "status": "warning_needs_response"}
    await world.at_stripe(f"/charges/{await last_charge(ada)}/dispute", inquiry)
    assert (await shown(ada))["refund"]["amount"] == 0

    await leaves(ada)
    await ada.settled()

    assert await given_back(ada) == []
    assert (await line(ada, "nothing_refunded"))["detail"]["why"] == "a payment is disputed"


@pytest.mark.parametrize("rule", ["full"], indirect=True)
@pytest.mark.parametrize("fault", ["reset_after", "error_after", "unavailable"])
async def test_a_refund_whose_answer_is_lost_is_made_once(world: World, fault: str) -> None:
    ada = await paying(world)
    await world.at_stripe("/faults", {"fault": fault, "method": "POST", "path": "/v1/refunds", "count": 1})

    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.wait_for_status("canceled")
    await ada.settled()

    assert await given_back(ada) == [MONTH]
    assert await ada.timeline() == ["subscribed", "canceled", "refunded"]


@pytest.mark.parametrize("rule", ["full"], indirect=True)
async def test_when_the_refund_cannot_be_made_the_end_stands_and_a_person_is_told(world: World) -> None:
    ada = await paying(world)
    charge = await last_charge(ada)
    ours = {"api_key": world.settings.stripe_api_key.get_secret_value(), "method": "POST", "path": "/v1/refunds"}
    await world.at_stripe("/faults", {"fault": "unavailable", **ours})

    leaving = asyncio.create_task(ada.ask("DELETE", "/subscriptions?timing=now"))
    await until(lambda: is_over_at_stripe(ada), within=PATIENCE_SECONDS, what="the subscription did not end")
    dashboard = Settings.model_validate(world.settings.model_dump() | {"stripe_api_key": "sk_test_dashboard"})
    async with open_stripe(dashboard) as somebody:
        await somebody.v1.refunds.create_async({"charge": charge, "amount": 900})
    await no_faults(world)
    assert (await leaving).status_code in {200, 202}
    await ada.wait_for_status("canceled")
    await ada.settled()

    assert "give it back some other way" in str(await ada.concern())
    assert await given_back(ada) == [900]
    assert "refunded" not in await letter_of_the_end(ada)


async def is_over_at_stripe(ada: Customer) -> bool:
    return (await ada.stripe_subscription())["status"] == "canceled"
