"""A Checkout page that nobody finishes leaves its user free; where the plan's rule says so, one letter reminds."""

from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from settings import ROOT, Settings
from tests.fixtures.books import contradictions, differences, sweep
from tests.fixtures.worlds import Customer, Mailbox, World, settings_for
from tests.stories.test_two_at_once import opens_checkout, pays
from workflows.door import workflow_id


@pytest.fixture
def reminds(request: pytest.FixtureRequest) -> str:
    """What the plans file says."""
    return str(getattr(request, "param", "true"))


@pytest.fixture
def world_settings(
    database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox, tmp_path: Path, reminds: str
) -> Settings:
    plans = (ROOT / "plans.toml").read_text()
    file = tmp_path / "plans.toml"
    file.write_text(plans.replace("checkout_reminder = false", f"checkout_reminder = {reminds}"))
    return settings_for(database, temporal_server, local_stripe, mailbox, plans_file=file)


async def leaves_it_alone(ada: Customer, session: str) -> None:
    """The page expires, and its event is dealt with."""
    await ada.world.at_stripe(f"/checkout/sessions/{session}/expire")
    await ada.settled()


async def reminders(ada: Customer) -> list[Any]:
    await ada.letters()
    query = "select * from billing.notifications where user_id = :user_id and kind = 'abandoned_checkout'"
    return await ada.world.rows(query, user_id=ada.id)


async def runs(ada: Customer) -> list[Any]:
    return [run async for run in ada.world.client.list_workflows(f"WorkflowId = '{workflow_id(ada.id)}'")]


async def test_one_letter_names_the_plan_and_the_user_is_free(world: World) -> None:
    ada = await world.customer()
    await leaves_it_alone(ada, await opens_checkout(ada, "PRO"))
    await leaves_it_alone(ada, await opens_checkout(ada, "BASIC"))

    (reminder,) = await reminders(ada)
    assert (reminder.status, reminder.data["plan"], reminder.data["amount"]) == ("sent", "PRO", 3000)
    assert {run.status for run in await runs(ada)} == {WorkflowExecutionStatus.COMPLETED}
    assert await ada.timeline() == ["checkout_abandoned"]

    assert (await ada.subscribe("BASIC")).status_code == 201
    await ada.settled()
    assert await ada.letters() == ["abandoned_checkout", "welcome"]
    assert await differences(world, ada) == []
    assert await contradictions(world, ada) == []


async def test_who_has_subscribed_again_and_left_may_be_reminded_again(world: World) -> None:
    ada = await world.customer()
    await leaves_it_alone(ada, await opens_checkout(ada))
    await ada.subscribe("BASIC")
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()

    await leaves_it_alone(ada, await opens_checkout(ada, "PRO"))
    await leaves_it_alone(ada, await opens_checkout(ada, "PRO"))

    assert [reminder.data["plan"] for reminder in await reminders(ada)] == ["BASIC", "PRO"]
    assert await ada.status() == "canceled"
    assert {run.status for run in await runs(ada)} == {WorkflowExecutionStatus.COMPLETED}
    assert await contradictions(world, ada) == []


async def test_who_has_another_page_open_or_finishes_it_is_not_reminded(world: World) -> None:
    ada = await world.customer()
    first, second = await opens_checkout(ada), await opens_checkout(ada, "PRO")
    await leaves_it_alone(ada, first)
    assert await reminders(ada) == [], "the other page is still there"

    await pays(ada, second)
    third = await ada.world.stripe.v1.checkout.sessions.list_async({"customer": await ada.stripe_customer_id()})
    assert {session.status for session in third.data} == {"expired", "complete"}
    await ada.settled()
    assert await ada.status() == "trialing"
    assert await ada.letters() == ["welcome"]


async def test_who_subscribed_meanwhile_is_not_reminded(world: World) -> None:
    ada = await world.customer()
    session = await opens_checkout(ada)
    await ada.subscribe("BASIC")
    await leaves_it_alone(ada, session)

    assert await reminders(ada) == []
    assert await ada.timeline() == ["trial_started"]


@pytest.mark.parametrize("reminds", ["false"], indirect=True)
async def test_without_a_rule_nobody_hears_and_no_workflow_is_begun(world: World) -> None:
    ada = await world.customer()
    await leaves_it_alone(ada, await opens_checkout(ada))

    assert await ada.letters() == []
    with pytest.raises(RPCError, match="not found"):
        await world.client.get_workflow_handle(workflow_id(ada.id)).describe()
    (event,) = await world.rows("select status from billing.events where type = 'checkout.session.expired'")
    assert event.status == "ignored"

    await pays(ada, await opens_checkout(ada))
    await ada.settled()
    assert await ada.status() == "trialing", "the user is free to begin"


async def test_who_is_forgotten_is_not_reminded_of_the_page_that_was_open(world: World) -> None:
    ada, ben = await world.customer(), await world.customer("Ben Bitdiddle")
    await ada.subscribe("BASIC")
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    for leaver in (ada, ben):
        await opens_checkout(leaver)
        assert (await leaver.ask("DELETE", "/account")).status_code == 200
        await leaver.settled()
        await sweep(world)
        assert await reminders(leaver) == []
