"""The books are compared every day: what went wrong without a word is found and repaired, or shown to a person."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities.reconciliation import Comparison
from lifecycle.plans import load_catalogue
from local.waiting import until
from settings import Settings
from tests.fixtures.books import contradictions, differences
from tests.fixtures.databases import setting_up
from tests.fixtures.worlds import Customer, Mailbox, World, settings_for
from workflows.door import workflow_id
from workflows.reconciling import Judged, Reconciler, everything
from workflows.upkeep import ReconciliationWorkflow


@pytest.fixture
def world_settings(
    database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox, request: pytest.FixtureRequest
) -> Settings:
    """A Stripe account of its own, since everything in it is looked at."""
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox, reconcile_seconds=60)


async def reconciled(world: World) -> dict[str, Any]:
    """What the schedule does every day; the row it leaves."""
    await world.client.execute_workflow(
        ReconciliationWorkflow.run, id=f"upkeep-{uuid4()}", task_queue=world.settings.temporal_task_queue
    )
    (row,) = await world.rows("select * from billing.reconciliations order by id desc limit 1")
    assert row.finished_at is not None
    return dict(row._mapping)


async def dry_run(world: World) -> list[Judged]:
    comparison = Comparison(world.stripe, world.engine, load_catalogue(world.settings.plans_file))
    queue = world.settings.temporal_task_queue
    reconciler = Reconciler(comparison, world.engine, world.client, queue, dry_run=True)
    return [one async for judged in everything(reconciler, world.engine) for one in judged]


async def bend(world: World, customer: Customer, change: str) -> None:
    """Somebody wrote into the projection, or an old backup was restored."""
    async with setting_up(world.engine) as connection:
        statement = text(f"update billing.subscriptions set {change} where user_id = :id")
        await connection.execute(statement, {"id": customer.id})


async def behind_our_back(world: World, change: dict[str, Any], customer: Customer) -> None:
    """Stripe changes, and its events are lost for good."""
    subscription = await customer.stripe_subscription()
    await world.stripe.v1.subscriptions.update_async(subscription["id"], change)  # type: ignore[arg-type]
    await customer.settled()


async def without_events(world: World) -> None:
    """Nothing is delivered from now on; neither does a catch-up run."""
    for endpoint in (await world.stripe.v1.webhook_endpoints.list_async()).data:
        await world.stripe.v1.webhook_endpoints.update_async(endpoint.id, {"disabled": True})


async def subscribed_at_stripe(world: World, user: Customer) -> tuple[str, str]:
    """A customer and a subscription made at Stripe, without us."""
    customer = await world.stripe.v1.customers.create_async({"metadata": {"user_id": user.id}})
    method = await world.stripe.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    prices = await world.stripe.v1.prices.list_async({"lookup_keys": ["basic_month"]})
    made = await world.stripe.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": prices.data[0].id}],
            "default_payment_method": method.id,
            "metadata": {"user_id": user.id},
        }
    )
    return customer.id, made.id


async def lines(world: World, customer: Customer) -> list[Any]:
    return await world.rows("select * from billing.timeline where user_id = :id order by seq, position", id=customer.id)


async def test_books_that_agree_are_left_alone(world: World) -> None:
    ada, bob = await world.customer(), await world.customer("Bob Kahn")
    await ada.subscribe("BASIC", trial_period_days=0)
    await subscribed_at_stripe(world, bob)
    await _is_known(bob)
    for customer in (ada, bob):
        await customer.settled()
    before = await world.rows("select user_id, seq from billing.subscriptions order by user_id")

    row = await reconciled(world)

    assert (row["looked_at"], row["agreed"]) == (2, 2)
    assert row["problems"] == []
    assert await world.rows("select user_id, seq from billing.subscriptions order by user_id") == before


async def test_a_change_at_stripe_that_nobody_told_us_of_is_repaired_and_told(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await without_events(world)
    await behind_our_back(world, {"cancel_at_period_end": True}, ada)
    assert (await ada.mine())["cancel_at_period_end"] is False

    assert [one.verdict for one in await dry_run(world)] == ["differs"]
    assert (await ada.mine())["cancel_at_period_end"] is False, "a dry run changes nothing"
    row = await reconciled(world)

    assert (row["looked_at"], row["repaired"]) == (1, 1)
    assert (await ada.mine())["cancel_at_period_end"] is True
    last = (await lines(world, ada))[-2:]
    assert [(line.entry, line.cause, line.cause_id) for line in last] == [
        ("cancellation_scheduled", "reconciliation", f"reconciliation/{row['id']}"),
        ("reconciled", "reconciliation", f"reconciliation/{row['id']}"),
    ]
    assert "cancel_at_period_end" in last[1].detail["differed"]
    assert "reconciled" not in await ada.timeline(), "that is for operators"
    assert await differences(world, ada) == []
    assert await contradictions(world, ada) == []
    assert (await reconciled(world))["agreed"] == 1


async def test_a_projection_that_was_bent_is_straightened(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await bend(world, ada, "status = 'past_due', amount = 1, quantity = 9")

    row = await reconciled(world)

    assert row["repaired"] == 1
    assert await ada.status() == "active"
    assert (await lines(world, ada))[-1].detail["differed"] == "status, amount, quantity"
    assert await differences(world, ada) == []


async def test_a_subscription_that_ended_at_stripe_without_a_word_ends_here(world: World) -> None:
    ada = await world.customer()
    _, subscription = await subscribed_at_stripe(world, ada)
    await _is_known(ada)
    await without_events(world)
    await world.stripe.v1.subscriptions.cancel_async(subscription)

    row = await reconciled(world)

    assert row["repaired"] == 1
    assert await ada.status() == "canceled"
    assert (await ada.timeline())[-1] == "canceled"
    assert "canceled" in await ada.letters()


async def test_a_subscription_that_we_never_heard_of_is_adopted(world: World) -> None:
    ada = await world.customer()
    await without_events(world)
    await subscribed_at_stripe(world, ada)

    row = await reconciled(world)

    assert (row["looked_at"], row["repaired"]) == (1, 1)
    assert await ada.status() == "active"
    assert await ada.timeline() == ["subscribed"]
    assert await differences(world, ada) == []


async def test_a_second_subscription_is_taken_back_and_a_person_is_told_once(world: World) -> None:
    ada = await world.customer()
    customer, _ = await subscribed_at_stripe(world, ada)
    await _is_known(ada)
    await ada.settled()
    await without_events(world)
    prices = await world.stripe.v1.prices.list_async({"lookup_keys": ["pro_month"]})
    second = await world.stripe.v1.subscriptions.create_async(
        {
            "customer": customer,
            "items": [{"price": prices.data[0].id}],
            "trial_period_days": 7,
            "metadata": {"user_id": ada.id},
        }
    )

    row = await reconciled(world)

    assert (row["agreed"], row["needs_person"]) == (1, 1)
    assert row["problems"][0]["subscription"] == second.id
    assert second.id in row["problems"][0]["flag"], (
        "the first one stands, and an operator hears what became of this one"
    )
    assert (await world.stripe.v1.subscriptions.retrieve_async(second.id)).status == "canceled"
    told = len(await lines(world, ada))
    again = await reconciled(world)
    assert (again["agreed"], again["needs_person"]) == (1, 0)
    assert len(await lines(world, ada)) == told


async def test_another_products_subscriptions_are_nobodys_business_here(world: World) -> None:
    stranger = await world.stripe.v1.customers.create_async({"name": "of another product"})
    await world.stripe.v1.payment_methods.attach_async("pm_card_visa", {"customer": stranger.id})
    prices = await world.stripe.v1.prices.list_async({"lookup_keys": ["pro_month"]})
    trial = {"customer": stranger.id, "items": [{"price": prices.data[0].id}], "trial_period_days": 7}
    await world.stripe.v1.subscriptions.create_async(trial)  # type: ignore[arg-type]

    assert (await reconciled(world))["looked_at"] == 0


async def test_subscriptions_whose_workflows_were_lost_live_again(world: World) -> None:
    ada, bob = await world.customer(), await world.customer("Bob Kahn")
    for customer in (ada, bob):
        await customer.subscribe("BASIC", trial_period_days=0)
        await customer.settled()
    await world.client.get_workflow_handle(workflow_id(ada.id)).terminate("the store was lost")

    row = await reconciled(world)

    assert (row["agreed"], row["repaired"]) == (1, 1)
    await ada.settled()
    assert [line.entry for line in await lines(world, ada)] == ["subscribed", "recovered", "reconciled"]
    answer = await ada.ask("DELETE", "/subscriptions")
    assert answer.status_code == 200, answer.text
    assert await ada.letters() == ["welcome", "cancellation_scheduled"]
    assert (await reconciled(world))["agreed"] == 2


async def test_a_trial_without_a_card_whose_workflow_was_lost_goes_on_to_its_end(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", card=None)
    await ada.settled()
    ends = (await ada.mine())["trial_ends_at"]
    await world.client.get_workflow_handle(workflow_id(ada.id)).terminate("the store was lost")

    await reconciled(world)

    await ada.settled()
    mine = await ada.mine()
    assert (mine["status"], mine["trial_ends_at"], mine["plan"]) == ("trialing", ends, "BASIC")
    converted = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_visa"})
    assert (converted.status_code, converted.json()["status"]) == (200, "active"), converted.text


async def test_a_round_walks_through_many_pages_and_finds_the_one_that_is_missing_on_either_side(
    world: World,
) -> None:
    users = [await world.customer(f"U{number} Kahn") for number in range(3)]
    await without_events(world)
    prices = await world.stripe.v1.prices.list_async({"lookup_keys": ["basic_month"]})
    customer = await world.stripe.v1.customers.create_async({"name": "a crowd"})
    trial = {"customer": customer.id, "items": [{"price": prices.data[0].id}], "trial_period_days": 7}
    _, first = await subscribed_at_stripe(world, users[0])
    for _ in range(13):
        await asyncio.gather(*(world.stripe.v1.subscriptions.create_async(trial) for _ in range(9)))  # type: ignore[arg-type]
    await subscribed_at_stripe(world, users[1])
    await users[2].subscribe("BASIC", trial_period_days=0)
    await users[2].settled()

    row = await reconciled(world)

    assert (row["looked_at"], row["agreed"], row["repaired"]) == (3, 1, 2)
    assert await users[0].status() == await users[1].status() == "active"
    again = await reconciled(world)
    assert (again["looked_at"], again["agreed"]) == (3, 3)
    await world.stripe.v1.subscriptions.cancel_async(first)
    assert (await reconciled(world))["repaired"] == 1
    assert await users[0].status() == "canceled"


async def _has_row(customer: Customer) -> bool:
    return bool(await customer.world.rows("select 1 from billing.subscriptions where user_id = :id", id=customer.id))


async def _is_known(customer: Customer) -> None:
    await until(lambda: _has_row(customer), within=30, what="nobody adopted the subscription")
