"""How a life begins, once: by an intent, a checkout or the dashboard, or anew after the workflow was lost."""

import asyncio
from uuid import uuid4

import httpx
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from local.waiting import until
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, World
from workflows.door import workflow_id

BASIC_NOW = {"plan": "BASIC", "interval": "month", "trial_period_days": 0, "payment_method": "pm_card_visa"}


async def test_two_clicks_make_one_subscription_and_one_conflict(world: World) -> None:
    ada = await world.customer()

    answers = await asyncio.gather(*(ada.ask("POST", "/subscriptions", BASIC_NOW) for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert next(answer.json()["code"] for answer in answers if answer.status_code == 409) == "already_subscribed"
    assert await _subscriptions(ada) == ["active"]


async def test_one_click_sent_twice_is_one_click(world: World) -> None:
    ada, key = await world.customer(), str(uuid4())

    answers = await asyncio.gather(*(ada.ask("POST", "/subscriptions", BASIC_NOW, key=key) for _ in range(2)))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert await _subscriptions(ada) == ["active"]


async def test_an_answer_outlives_the_life_it_was_given_in(world: World) -> None:
    ada, key = await world.customer(), str(uuid4())
    first = await ada.ask("POST", "/subscriptions", BASIC_NOW, key=key)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await _has_ended(world, ada)

    again = await ada.ask("POST", "/subscriptions", BASIC_NOW, key=key)

    assert again.status_code == 201
    assert again.json() == first.json()
    await ada.settled()
    assert await ada.status() == "canceled"
    assert await _subscriptions(ada) == ["canceled"]
    assert not await _is_running(world, ada)


async def test_events_of_a_canceled_customer_begin_nothing(world: World) -> None:
    ada = await world.customer()
    await ada.ask("POST", "/subscriptions", BASIC_NOW)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await _has_ended(world, ada)
    await ada.settled()
    run = await _run_id(world, ada)

    await world.stripe.v1.customers.update_async(await ada.stripe_customer_id(), {"description": "called us"})
    old = await ada.stripe_subscription()
    await world.stripe.v1.invoices.update_async(old["latest_invoice"], {"metadata": {"note": "kept"}})
    await ada.settled()
    assert await _run_id(world, ada) == run


async def test_a_canceled_customer_who_subscribes_again_begins_a_new_life(world: World) -> None:
    ada = await world.customer()
    await ada.ask("POST", "/subscriptions", BASIC_NOW)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await _has_ended(world, ada)
    await ada.settled()
    run = await _run_id(world, ada)

    await _made_in_the_dashboard(ada)
    await until(lambda: _is_running(world, ada), within=PATIENCE_SECONDS, what="no new life began")
    await ada.settled()

    assert await ada.status() == "active"
    assert await _run_id(world, ada) != run
    assert (await ada.timeline())[-1] == "subscribed"


async def test_a_subscription_from_the_dashboard_is_adopted(world: World) -> None:
    ada = await world.customer()
    customer = await world.stripe.v1.customers.create_async({"email": ada.user.email, "metadata": {"user_id": ada.id}})
    method = await world.stripe.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    prices = await world.stripe.v1.prices.list_async({"lookup_keys": ["pro_month"]})

    await world.stripe.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": prices.data[0].id}],
            "default_payment_method": method.id,
            "metadata": {"user_id": ada.id},
        }
    )

    await _is_known(ada)
    assert await ada.status() == "active"
    assert (await ada.mine())["plan"] == "PRO"
    await ada.settled()
    assert await ada.timeline() == ["subscribed"]
    assert await ada.letters() == ["welcome"]


async def test_a_subscription_from_the_checkout_is_adopted(world: World) -> None:
    ada = await world.customer()
    addresses = {"success_url": f"{world.settings.app_url}/done", "cancel_url": f"{world.settings.app_url}/back"}
    opened = await ada.ask("POST", "/checkout", {"plan": "BASIC", "interval": "month", **addresses})
    assert opened.status_code == 201, opened.text
    sessions = await world.stripe.v1.checkout.sessions.list_async({"customer": await ada.stripe_customer_id()})

    async with httpx.AsyncClient(trust_env=False) as browser:
        complete = f"{world.settings.stripe_api_url}/_local/checkout/sessions/{sessions.data[0].id}/complete"
        assert (await browser.post(complete, json={})).status_code == 200

    await _is_known(ada)
    assert await ada.status() == "trialing"
    await ada.settled()
    assert await ada.timeline() == ["trial_started"]
    assert await ada.letters() == ["welcome"]


async def test_a_lost_workflow_is_recovered_by_the_next_event(world: World) -> None:
    ada = await world.customer()
    await ada.ask("POST", "/subscriptions", BASIC_NOW)
    await ada.travel(days=32)
    await _lose_the_workflow(world, ada)

    await ada.use_card("pm_card_mastercard")

    await until(lambda: _is_running(world, ada), within=PATIENCE_SECONDS, what="the workflow is lost")
    await ada.settled()
    assert await ada.status() == "active"
    assert await _subscriptions(ada) == ["active"]
    assert await ada.letters() == ["welcome"]


async def test_a_lost_workflow_is_recovered_by_the_next_intent(world: World) -> None:
    ada = await world.customer()
    await ada.ask("POST", "/subscriptions", BASIC_NOW)
    await ada.settled()
    await _lose_the_workflow(world, ada)

    again = await ada.ask("POST", "/subscriptions", BASIC_NOW)
    assert again.status_code == 409, again.text
    await _lose_the_workflow(world, ada)
    canceled = await ada.ask("DELETE", "/subscriptions?timing=period_end")

    assert canceled.status_code == 200, canceled.text
    assert canceled.json()["cancel_at_period_end"] is True
    assert await _subscriptions(ada) == ["active"]
    assert (await ada.letters()).count("welcome") == 1


async def test_what_was_saved_without_a_line_counts_when_a_lost_workflow_is_recovered(world: World) -> None:
    ada = await world.customer()
    await ada.ask("POST", "/subscriptions", BASIC_NOW)
    await ada.settled()
    for description in ("called us", "wrote to us"):
        await world.stripe.v1.customers.update_async(await ada.stripe_customer_id(), {"description": description})
        await ada.settled()
    await _lose_the_workflow(world, ada)

    canceled = await ada.ask("DELETE", "/subscriptions?timing=period_end")

    assert canceled.json()["cancel_at_period_end"] is True


async def test_a_lost_workflow_goes_on_where_its_story_was_written_down_last(world: World) -> None:
    ada = await world.customer()
    await ada.ask("POST", "/subscriptions", BASIC_NOW)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    before = await ada.mine()
    assert before["status"] == "past_due"
    await _lose_the_workflow(world, ada)

    await world.stripe.v1.customers.update_async(await ada.stripe_customer_id(), {"description": "called us"})
    await until(lambda: _is_running(world, ada), within=PATIENCE_SECONDS, what="the workflow is lost")
    await ada.settled()

    assert (await ada.mine())["grace_ends_at"] == before["grace_ends_at"], (
        "losing a workflow is no reason for more time"
    )
    told = await world.rows("select entry from billing.timeline where user_id = :id order by seq, position", id=ada.id)
    assert "recovered" in [line.entry for line in told]
    rows = await world.rows("select needs_attention from billing.subscriptions where user_id = :id", id=ada.id)
    assert rows[0].needs_attention is None
    assert (await ada.letters()).count("payment_failed") == 1


async def _is_known(customer: Customer) -> None:
    async def it_is() -> bool:
        return (await customer.ask("GET", "/subscriptions/me")).status_code == 200

    await until(it_is, within=PATIENCE_SECONDS, what="nobody adopted the subscription")


async def _lose_the_workflow(world: World, customer: Customer) -> None:
    await customer.settled()
    await world.client.get_workflow_handle(workflow_id(customer.id)).terminate("the store was lost")


async def _made_in_the_dashboard(customer: Customer) -> None:
    prices = await customer.world.stripe.v1.prices.list_async({"lookup_keys": ["basic_month"]})
    await customer.world.stripe.v1.subscriptions.create_async(
        {
            "customer": await customer.stripe_customer_id(),
            "items": [{"price": prices.data[0].id}],
            "metadata": {"user_id": customer.id},
        }
    )


async def _subscriptions(customer: Customer) -> list[str]:
    """The status of every subscription that Stripe has of a customer."""
    found = await customer.world.stripe.v1.subscriptions.list_async(
        {"customer": await customer.stripe_customer_id(), "status": "all"}
    )
    return [subscription.status for subscription in found.data]


async def _run_id(world: World, customer: Customer) -> str | None:
    return (await world.client.get_workflow_handle(workflow_id(customer.id)).describe()).run_id


async def _is_running(world: World, customer: Customer) -> bool:
    try:
        found = await world.client.get_workflow_handle(workflow_id(customer.id)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return found.status is WorkflowExecutionStatus.RUNNING


async def _has_ended(world: World, customer: Customer) -> None:
    async def it_has() -> bool:
        return not await _is_running(world, customer)

    await until(it_has, within=PATIENCE_SECONDS, what="the workflow of a canceled customer runs on")
