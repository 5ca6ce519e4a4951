"""A user leaves for good: Stripe first, then our own rows; nothing is charged again, and nothing personal stays."""

import json
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local.waiting import until
from settings import Settings
from tests.fixtures.books import catch_up, sweep
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, Mailbox, World, settings_for
from tests.stories.test_a_disputed_payment import no_faults
from tests.stories.test_two_at_once import has_had_a_trial, opens_checkout, pays
from workflows.upkeep import IdentitiesWorkflow


@pytest.fixture
def world_settings(
    request: pytest.FixtureRequest, database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox
) -> Settings:
    """Users who are gone are forgotten at once; one story keeps the customer in Stripe, without the person."""
    kept = "strip" if "bookkeeping" in request.node.name else "delete"
    settings = {"vanished_after_hours": 0, "forgotten_customers": kept, "request_deadline_seconds": 5}
    return settings_for(database, temporal_server, local_stripe, mailbox, **settings)


async def paying(world: World) -> Customer:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    return ada


async def leave(ada: Customer, key: str | None = None) -> httpx.Response:
    return await ada.ask("DELETE", "/account", key=key)


async def run_identities(world: World) -> dict[str, int]:
    """What the schedule does every few minutes."""
    return await world.client.execute_workflow(
        IdentitiesWorkflow.run, id=f"upkeep-{uuid4()}", task_queue=world.settings.temporal_task_queue
    )


async def in_the_app(world: World, statement: str, *values: Any) -> None:
    """What the app does in its own tables."""
    async with await psycopg.AsyncConnection.connect(world.database) as connection:
        await connection.execute(statement.encode(), values)


async def everything_we_have(world: World, user_id: str) -> str:
    """Every row about a user, as text."""
    found = []
    tables = ("customers", "subscriptions", "timeline", "notifications", "operations", "cards", "invoice_links")
    for name in (*tables, "project_members"):
        rows = await world.rows(f"select * from billing.{name} where user_id = :id", id=user_id)
        found += [dict(row._mapping) for row in rows]
    return json.dumps(found, default=str)


async def test_a_paying_user_is_forgotten_and_never_charged_again(world: World) -> None:
    ada = await paying(world)
    customer = await ada.stripe_customer_id()
    subscription = (await ada.stripe_subscription())["id"]
    await in_the_app(
        world,
        "insert into billing.project_members (project_id, user_id, role) "
        "values ('hers', %s, 'owner'), ('hers', 'guest', 'member'), ('ours', 'host', 'owner'), ('ours', %s, 'admin')",
        *(ada.id, ada.id),
    )
    assert "4242" in await everything_we_have(world, ada.id)

    answer = await leave(ada, "bye")
    again = await leave(ada, "bye")
    await catch_up(world)

    assert (answer.status_code, answer.json()) == (200, {"forgotten": True}), answer.text
    assert again.json() == answer.json()
    assert getattr(await world.stripe.v1.customers.retrieve_async(customer), "deleted", False)
    assert (await world.stripe.v1.subscriptions.retrieve_async(subscription)).status == "canceled"
    invoices = await world.stripe.v1.invoices.list_async({"customer": customer})
    assert [invoice.status for invoice in invoices.data] == ["paid"], "bookkeeping keeps its invoices"
    assert await world.rows("select project_id, user_id from billing.project_members") == [("ours", "host")]
    left = await everything_we_have(world, ada.id)
    for trace in ("4242", "visa", ada.user.email, "Ada", "https://"):
        assert trace not in left, f"{trace} is still there"
    assert await ada.timeline() == ["subscribed", "canceled", "forgotten"]
    assert await ada.letters() == ["welcome", "canceled"]
    (row,) = await world.rows("select * from billing.customers where user_id = :id", id=ada.id)
    assert (row.stripe_customer_id, row.former_customer_id) == (None, customer)
    assert row.forgotten_at


async def test_a_user_who_owes_is_forgotten_without_being_charged(world: World) -> None:
    ada = await paying(world)
    customer = await ada.stripe_customer_id()
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    await ada.wait_for_status("past_due")

    assert (await leave(ada)).status_code == 200

    invoices = await world.stripe.v1.invoices.list_async({"customer": customer})
    assert [invoice.status for invoice in invoices.data] == ["void", "paid"]


async def test_bookkeeping_may_keep_the_customer_without_the_person(world: World) -> None:
    ada = await paying(world)
    customer = await ada.stripe_customer_id()

    assert (await leave(ada)).status_code == 200

    kept = await world.stripe.v1.customers.retrieve_async(customer)
    assert (kept.email, kept.name, kept.metadata.to_dict() if kept.metadata else {}) == (None, None, {})
    cards = await world.stripe.v1.customers.payment_methods.list_async(customer)
    assert cards.data == []
    running = await world.stripe.v1.subscriptions.list_async({"customer": customer})
    assert running.data == []

    assert (await ada.subscribe("BASIC", trial_period_days=0)).status_code == 201
    assert await ada.stripe_customer_id() != customer, "who comes back is somebody new"


async def test_a_page_that_is_still_open_begins_nothing_for_a_customer_whom_bookkeeping_keeps(world: World) -> None:
    ada = await paying(world)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    page = await opens_checkout(ada)

    assert (await leave(ada)).status_code == 200

    assert (await world.stripe.v1.checkout.sessions.retrieve_async(page)).status == "expired"


async def test_while_stripe_does_not_confirm_nothing_is_forgotten_and_the_promise_is_kept_later(world: World) -> None:
    ada = await paying(world)
    customer = await ada.stripe_customer_id()
    await world.at_stripe("/faults", {"fault": "unavailable", "path": f"/v1/customers/{customer}", "method": "DELETE"})

    answer = await leave(ada)

    assert answer.status_code == 202, answer.text
    (row,) = await world.rows("select * from billing.customers where user_id = :id", id=ada.id)
    assert (row.stripe_customer_id, row.forgotten_at) == (customer, None)
    assert "4242" in await everything_we_have(world, ada.id)

    await no_faults(world)

    async def is_done() -> bool:
        asked = await ada.ask("GET", answer.headers["location"].removeprefix("/billing"))
        return bool(asked.json()["status"] == "succeeded")

    await until(is_done, within=90, what="the promise was not kept")
    assert "4242" not in await everything_we_have(world, ada.id)


async def test_a_forgotten_user_who_is_still_there_may_begin_again_without_a_trial(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")
    await leave(ada)

    trial = await ada.subscribe("BASIC", trial_period_days=7)
    answer = await ada.subscribe("PRO", trial_period_days=0)
    await ada.settled()

    assert answer.status_code == 201, answer.text
    assert await ada.status() == "active"
    assert (trial.status_code, trial.json()["code"]) == (409, "trial_already_used")
    (row,) = await world.rows("select * from billing.customers where user_id = :id", id=ada.id)
    assert row.stripe_customer_id
    assert row.forgotten_at is None


async def test_a_user_whom_the_app_deletes_is_forgotten_by_itself(world: World) -> None:
    ada, bob = await paying(world), await paying(world)
    customer = await ada.stripe_customer_id()
    await in_the_app(world, 'delete from "user" where id = %s', ada.id)

    await run_identities(world)

    async def is_gone() -> bool:
        return bool(getattr(await world.stripe.v1.customers.retrieve_async(customer), "deleted", False))

    await until(is_gone, within=PATIENCE_SECONDS, what="nobody forgot the user")

    async def is_forgotten() -> bool:
        (row,) = await world.rows("select forgotten_at from billing.customers where user_id = :id", id=ada.id)
        return row.forgotten_at is not None

    await until(is_forgotten, within=PATIENCE_SECONDS, what="the rows were not anonymised")
    assert "4242" not in await everything_we_have(world, ada.id)
    assert await bob.status() == "active"
    assert await run_identities(world) == {"followed": 0, "forgotten": 0}, "once is enough"


async def test_who_never_was_a_customer_is_forgotten_all_the_same(world: World) -> None:
    ada = await world.customer()

    assert (await leave(ada)).status_code == 200


async def test_a_new_address_and_name_follow_to_stripe(world: World) -> None:
    ada = await paying(world)
    customer = await ada.stripe_customer_id()
    assert (await run_identities(world))["followed"] == 0, "nothing has changed yet"

    for name, email in [("Ada King", "king@example.org"), (ada.user.name, ada.user.email)]:
        await in_the_app(world, 'update "user" set name = %s, email = %s where id = %s', name, email, ada.id)
        assert (await run_identities(world))["followed"] == 1
        found = await world.stripe.v1.customers.retrieve_async(customer)
        assert (found.name, found.email) == (name, email)
    assert (await run_identities(world))["followed"] == 0
    await sweep(world)


async def test_a_page_that_is_paid_in_the_moment_of_leaving_is_paid_back(world: World) -> None:
    ada = await has_had_a_trial(world)
    customer, page = await ada.stripe_customer_id(), await opens_checkout(ada, "PRO")
    await world.at_stripe("/faults", {"fault": "drop", "event": ""})  # its news comes when all is over
    await pays(ada, page)
    (paid,) = (await world.stripe.v1.subscriptions.list_async({"customer": customer})).data

    assert (await leave(ada)).status_code == 200
    await no_faults(world)
    await catch_up(world)

    charges = (await world.stripe.v1.charges.list_async({"customer": customer})).data
    assert [(charge.amount, charge.amount_refunded) for charge in charges] == [(3000, 3000)]
    assert (await world.stripe.v1.subscriptions.retrieve_async(paid.id)).status == "canceled"
    assert (await ada.timeline())[-1] == "forgotten"
