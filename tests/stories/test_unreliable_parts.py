"""PostgreSQL, Temporal or the mail server is away for a while; customers wait, and nothing is lost or done twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.engine import make_url

from local.programs import Mailbox
from local.waiting import until
from settings import Settings
from tests.fixtures.books import contradictions, differences
from tests.fixtures.databases import setting_up
from tests.fixtures.fault_proxy import FaultProxy
from tests.fixtures.worlds import Customer, World, settings_for
from workflows.upkeep import SweepWorkflow


@dataclass
class Lines:
    """The lines to the three, each of which can be cut."""

    postgres: FaultProxy
    temporal: FaultProxy
    mail: FaultProxy


@pytest_asyncio.fixture
async def lines(database: str, temporal_server: str, mailbox: Mailbox) -> AsyncIterator[Lines]:
    async with (
        FaultProxy(make_url(database).port or 0) as postgres,
        FaultProxy(int(temporal_server.rpartition(":")[2])) as temporal,
        FaultProxy(mailbox.smtp_port) as mail,
    ):
        yield Lines(postgres, temporal, mail)


@pytest.fixture
def world_settings(lines: Lines, database: str, local_stripe: str, mailbox: Mailbox) -> Settings:
    """Everything through a line that can be cut, and little patience."""
    url = make_url(database).set(port=lines.postgres.port).render_as_string(hide_password=False)
    more = {"smtp_port": lines.mail.port, "request_deadline_seconds": 1, "stripe_timeout_seconds": 1}
    return settings_for(url, f"127.0.0.1:{lines.temporal.port}", local_stripe, mailbox, **more)


@pytest_asyncio.fixture
async def ada(world: World) -> Customer:
    """A customer who pays for BASIC."""
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await ada.letters()
    assert await ada.status() == "active"
    return ada


@pytest_asyncio.fixture
async def stripe_control(world_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The local Stripe's own buttons."""
    async with httpx.AsyncClient(base_url=f"{world_settings.stripe_api_url}/_local", trust_env=False) as http:
        yield http
        await http.post("/outage", json={})


async def upgrade(ada: Customer, key: str) -> httpx.Response:
    return await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"}, key)


def is_asked_to_come_again(answer: httpx.Response, status: int = 503) -> None:
    assert answer.status_code == status, answer.text
    assert int(answer.headers["retry-after"]) > 0


async def upgrades_in_the_end(ada: Customer, key: str) -> None:
    """As a good client does: the same request with the same key until it is answered."""

    async def is_done() -> bool:
        answer = await upgrade(ada, key)
        assert answer.status_code in {200, 202, 503}, answer.text
        return answer.status_code == 200

    await until(is_done, within=30, what="the upgrade was not carried out")
    await ada.settled()
    assert sum(int(invoice["amount_paid"]) for invoice in await ada.invoices()) == 1000 + 2000
    await ada.letters()
    assert await differences(ada.world, ada) == []
    assert await contradictions(ada.world, ada) == []


async def something_happens_at_stripe(ada: Customer, customer_id: str) -> None:
    await ada.world.stripe.v1.customers.update_async(customer_id, {"description": "moved to another town"})


def attempts(stripe_control: httpx.AsyncClient, status: int) -> Any:
    """Whether Stripe's latest message was answered so."""

    async def is_so() -> bool:
        made = (await stripe_control.get("/webhooks/attempts")).json()["attempts"]
        return bool(made and made[-1]["type"] == "customer.updated" and made[-1]["status"] == status)

    return is_so


@pytest.mark.parametrize("silent", [False, True], ids=["gone", "silent"])
async def test_the_database_is_away_and_stripe_and_customers_are_asked_to_come_again(
    ada: Customer, lines: Lines, stripe_control: httpx.AsyncClient, silent: bool
) -> None:
    customer_id, key = await ada.stripe_customer_id(), str(uuid4())

    if silent:
        lines.postgres.fall_silent()
    else:
        await lines.postgres.refuse()
    await something_happens_at_stripe(ada, customer_id)
    for answer in await asyncio.gather(upgrade(ada, key), ada.ask("GET", "/subscriptions/me")):
        is_asked_to_come_again(answer)
    await until(attempts(stripe_control, 503), within=20, what="Stripe was not told to come again")
    await lines.postgres.come_back()

    await until(attempts(stripe_control, 200), within=20, what="Stripe's message was lost")
    await upgrades_in_the_end(ada, key)


async def test_the_database_goes_away_in_the_middle_of_an_upgrade(
    ada: Customer, lines: Lines, stripe_control: httpx.AsyncClient
) -> None:
    key = str(uuid4())
    await stripe_control.post("/outage", json={"status": "reset", "count": 2, "method": "POST"})
    answer = await upgrade(ada, key)
    assert answer.status_code == 202, answer.text

    await lines.postgres.refuse()
    subscriptions = ada.world.stripe.v1.subscriptions

    async def is_upgraded_at_stripe() -> bool:
        found = (await subscriptions.search_async({"query": f"metadata['user_id']:'{ada.id}'"})).data[0]
        return str(found["items"].data[0].price.lookup_key) == "pro_month"

    await until(is_upgraded_at_stripe, within=20, what="the upgrade never reached Stripe")
    await lines.postgres.come_back()

    await upgrades_in_the_end(ada, key)
    assert await ada.timeline() == ["subscribed", "plan_changed"]


@pytest.mark.parametrize("silent", [False, True], ids=["gone", "silent"])
async def test_temporal_is_away_and_messages_are_taken_and_customers_can_read(
    ada: Customer, lines: Lines, stripe_control: httpx.AsyncClient, silent: bool
) -> None:
    customer_id, key = await ada.stripe_customer_id(), str(uuid4())

    if silent:
        lines.temporal.fall_silent()
    else:
        await lines.temporal.refuse()
    await something_happens_at_stripe(ada, customer_id)
    await until(attempts(stripe_control, 200), within=20, what="Stripe's message was not taken")
    assert await ada.status() == "active"
    is_asked_to_come_again(await upgrade(ada, key), 202)
    await lines.temporal.come_back()

    await upgrades_in_the_end(ada, key)
    assert not await ada.world.rows("select * from billing.events where status in ('pending', 'delivered')")


async def test_the_mail_server_is_away_and_letters_come_once_when_it_is_back(world: World, lines: Lines) -> None:
    await lines.mail.refuse()
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.ask("DELETE", "/subscriptions?timing=period_end")

    async def was_tried() -> bool:
        rows = await world.rows("select * from billing.notifications where user_id = :user_id", user_id=ada.id)
        return len(rows) == 2 and all(row.attempts > 0 and row.status == "pending" for row in rows)

    await until(was_tried, within=20, what="nobody tried to send the letters")
    assert (await ada.mine())["cancel_at_period_end"] is True
    await lines.mail.come_back()
    async with setting_up(world.engine) as connection:  # letters younger than a minute are not the sweep's
        await connection.execute(text("update billing.notifications set created_at = created_at - interval '1 hour'"))
    await world.client.execute_workflow(
        SweepWorkflow.run, id=f"sweep-{uuid4()}", task_queue=world.settings.temporal_task_queue
    )

    assert sorted(await ada.letters()) == ["cancellation_scheduled", "welcome"]
    await ada.settled()
    assert await contradictions(world, ada) == []
