"""Somebody has a copy of everything that Temporal keeps, of the ledger and of the logs: there is nobody in it."""

import asyncio
import contextlib
import json
import logging
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import pytest_asyncio
from google.protobuf import json_format
from google.protobuf.message import Message

import telemetry
from local.temporal import Temporal
from settings import Settings
from tests.fixtures.books import catch_up, sweep
from tests.fixtures.logs import log_plainly
from tests.fixtures.worlds import Customer, Mailbox, World, settings_for
from tests.stories.test_a_promotion_code import offer
from tests.stories.test_a_refund import refund
from tests.stories.test_a_user_who_is_forgotten import in_the_app, run_identities
from workflows.door import workflow_id

PERSON, LATER, OPERATOR = "Zebulina Quackenbush", "Zebulina Featherstonehaugh", "Thaddeus Wigglesworth"
REASON = "she telephoned from Llanfairpwllgwyngyll"


@pytest_asyncio.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[Temporal]:
    async with Temporal(log=tmp_path / "temporal.log", database=tmp_path / "temporal.db") as server:
        yield server


@pytest.fixture
def world_settings(database: str, temporal: Temporal, local_stripe: str, mailbox: Mailbox) -> Settings:
    return settings_for(database, temporal.address, local_stripe, mailbox, request_deadline_seconds=5)


@pytest.fixture
def logs(world_settings: Settings, capfd: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """API and worker of this process, as chatty as they can be."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    telemetry.set_up_logging(world_settings.model_copy(update={"log_format": "json", "log_level": "debug"}))
    yield capfd
    root.handlers, root.level = handlers, level
    log_plainly()


async def rich_life(world: World) -> tuple[Customer, Customer, set[str]]:
    """All that one can live through: the customer, the operator, and the secrets that were seen on the way."""
    await offer(world, "QUACK20")
    zebulina, operator = await world.customer(PERSON), await world.customer(OPERATOR)
    await in_the_app(world, "update \"user\" set role = 'admin' where id = %s", operator.id)
    seen = {zebulina.user.token, operator.user.token, zebulina.user.cookie.partition("=")[2]}
    await world.at_stripe("/faults", {"fault": "unavailable", "method": "POST", "path": "/v1/customers", "count": 1})
    await zebulina.subscribe("BASIC", card="pm_card_visa", trial_period_days=0, promotion_code="quack20")
    await zebulina.settled()

    await zebulina.use_card("pm_card_authenticationRequired")
    asked = await zebulina.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "interval": "month"})
    action = asked.json()["required_action"]
    seen |= {action["client_secret"], action["url"]}
    await zebulina.use_card("pm_card_chargeCustomerFail")
    await zebulina.travel(days=32)
    await zebulina.wait_for_status("past_due")
    seen |= await links(world, zebulina)
    await zebulina.use_card("pm_card_mastercard")
    invoice = (await zebulina.stripe_subscription())["latest_invoice"]
    await world.stripe.v1.invoices.pay_async(invoice)
    await zebulina.wait_for_status("active")
    await refund(operator, zebulina, amount=100, audit_reason=REASON)
    await in_the_app(world, 'update "user" set name = %s where id = %s', LATER, zebulina.id)
    await run_identities(world)
    await zebulina.ask("POST", "/portal", {"return_url": "https://app.example.com/quackenbush"})
    await catch_up(world)
    await sweep(world)
    await zebulina.letters()
    seen |= await links(world, zebulina)
    return zebulina, operator, seen


async def links(world: World, customer: Customer) -> set[str]:
    rows = await world.rows("select url from billing.invoice_links where user_id = :id", id=customer.id)
    return {row.url for row in rows}


async def private(world: World, customers: tuple[Customer, ...], seen: set[str]) -> set[str]:
    """What nobody may find: people, cards, links, secrets."""
    cards = await world.rows("select last4, brand from billing.cards")
    faces = {f'"{row.last4}"' for row in cards} | {f'"{row.brand}"' for row in cards}
    assert faces
    people = {word for name in (PERSON, LATER, OPERATOR) for word in name.split()}
    addresses = {customer.user.email for customer in customers}
    reasons = {REASON, "Llanfairpwllgwyngyll"}
    ours = world.settings
    secrets = {ours.auth_secret.get_secret_value(), ours.stripe_api_key.get_secret_value(), "_secret_", "whsec_"}
    return people | addresses | {quote(address) for address in addresses} | faces | reasons | secrets | seen


async def everything_at_temporal(world: World) -> bytes:
    """Every execution's history, description and metadata, with each payload both as it is and read."""
    found: list[str] = []
    async for execution in world.client.list_workflows():
        handle = world.client.get_workflow_handle(execution.id, run_id=execution.run_id)
        found.append(_without_numbers((await handle.fetch_history()).to_json()))
        description = await handle.describe()
        found.append(_without_numbers(_as_json(description.raw_description)))
        found.append(str(await description.static_summary()) + str(await description.static_details()))
        if execution.id.startswith("subscription/"):
            with contextlib.suppress(Exception):  # of one that has ended long ago
                found.append(str(await handle.query("__temporal_workflow_metadata")))
    told = "\n".join(found)
    return (told + "\n" + "\n".join(_decoded(told))).encode()


def _as_json(message: Message) -> str:
    return json_format.MessageToJson(message)


def _without_numbers(told: str) -> str:
    """Ids of tasks and sizes are strings of digits, as the end of a card's number is; what is ours is in base64."""
    return re.sub(r'": ?"\d+"', '": ""', told)


def _decoded(told: str) -> Iterator[str]:
    for piece in told.split('"'):
        with contextlib.suppress(ValueError):
            yield b64decode(piece, validate=True).decode(errors="replace")


def stolen_from(folder: Path) -> bytes:
    """The files of Temporal's store as they lie there."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("temporal.db*")))


def assert_nobody_in(what: str, content: bytes, private: set[str]) -> None:
    found = {trace for trace in private if trace.lower().encode() in content.lower()}
    assert not found, f"{what}: {found}"


async def test_nobody_is_in_it(
    world: World, temporal: Temporal, tmp_path: Path, logs: pytest.CaptureFixture[str]
) -> None:
    zebulina, operator, seen = await rich_life(world)
    searched = await private(world, (zebulina, operator), seen)
    before = await everything_at_temporal(world)

    assert (await zebulina.ask("DELETE", "/account", key=f"bye-{uuid4()}")).status_code == 200
    await zebulina.letters()

    copy = await asyncio.to_thread(stolen_from, tmp_path)
    after = await everything_at_temporal(world)
    said = logs.readouterr()
    ledger = json.dumps([dict(row._mapping) for row in await world.rows("select * from billing.events")], default=str)
    audit = await world.rows("select * from billing.audit")

    for content in (copy, before, after):
        assert zebulina.id.encode() in content, "what is searched is the right thing"
        assert b"records.save" in content
    assert zebulina.id in said.err
    assert "customer.subscription" in ledger
    assert [row.reason for row in audit] == [REASON], "why is kept, and nowhere else"
    assert_nobody_in("the histories", before + after, searched)
    assert_nobody_in("a copy of Temporal's store", copy, searched)
    assert_nobody_in("the logs", (said.err + said.out).encode(), searched)
    assert_nobody_in("the ledger", ledger.encode(), searched)


async def test_what_operators_search_by_is_ids_a_status_and_flags(world: World) -> None:
    zebulina = await world.customer(PERSON)
    await zebulina.subscribe("BASIC", trial_period_days=0)
    await zebulina.settled()

    described = await world.client.get_workflow_handle(workflow_id(zebulina.id)).describe()

    shown: dict[str, Any] = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    ours = {name: value for name, value in shown.items() if not name.startswith(("Build", "Temporal"))}
    assert ours == {
        "SubscriptionStatus": "active",
        "Plan": "BASIC",
        "UserId": zebulina.id,
        "StripeCustomerId": await zebulina.stripe_customer_id(),
    }
    assert await described.memo() == {}
    assert described.id == f"subscription/{zebulina.id}"
