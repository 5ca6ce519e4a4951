"""Events reach their workflows, and a customer who cannot be told is nobody else's trouble."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from database.session import make_engine
from local.ports import HOST
from local.waiting import until
from settings import Settings
from tests.api.conftest import make_settings
from tests.fixtures.databases import setting_up
from tests.fixtures.fault_proxy import FaultProxy
from workflows import relay as relay_module
from workflows.door import workflow_id
from workflows.payloads import DATA_CONVERTER
from workflows.relay import Delivered, Relay

NO_WORKFLOW_CAN_HAVE_THIS_ID = "aaa" + "x" * 1200
"""Temporal takes 1,000 characters: https://docs.temporal.io/self-hosted-guide/defaults"""


@pytest.fixture
def settings(database: str, temporal_server: str) -> Settings:
    queue = f"test-{uuid4().hex[:8]}"
    return make_settings(database, temporal_address=temporal_server, temporal_task_queue=queue, relay_window_ms=20)


@pytest_asyncio.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(settings)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def client(temporal_server: str) -> Client:
    return await Client.connect(temporal_server, namespace="billing", data_converter=DATA_CONVERTER)


@pytest.fixture
def relay(engine: AsyncEngine, client: Client, settings: Settings) -> Relay:
    return Relay(engine, client, settings)


async def happens(engine: AsyncEngine, *users: str, ago: float = 60) -> None:
    insert = """
        insert into billing.events (id, type, created_at, received_at, livemode, user_id, stripe_subscription_id)
        select 'evt_' || gen_random_uuid(), 'invoice.paid', now(), now() - make_interval(secs => :ago), false,
            user_id, 'sub_1'
        from unnest(cast(:users as text[])) as user_id
    """
    async with setting_up(engine) as connection:
        await connection.execute(text(insert), {"users": list(users), "ago": ago})


async def statuses(engine: AsyncEngine, user_id: str) -> list[str]:
    async with engine.connect() as connection:
        found = text("select status from billing.events where user_id = :user_id")
        return list((await connection.execute(found, {"user_id": user_id})).scalars())


async def signals(client: Client, user_id: str) -> int:
    history = await client.get_workflow_handle(workflow_id(user_id)).fetch_history()
    return sum(event.HasField("workflow_execution_signaled_event_attributes") for event in history.events)


def anybody() -> str:
    return f"user-{uuid4().hex[:8]}"


async def test_customers_who_cannot_be_told_stop_nobody(
    engine: AsyncEngine, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database.deliveries.CUSTOMERS", 3)
    hopeless = [f"{NO_WORKFLOW_CAN_HAVE_THIS_ID}{number}" for number in range(7)]
    await happens(engine, *hopeless, ago=3600)
    zoe = anybody()
    await happens(engine, zoe)

    swept = await relay.sweep()

    assert await statuses(engine, zoe) == ["delivered"]
    assert swept == Delivered(events=1, failed=7)
    assert await relay.deliver(0) == Delivered(), "who cannot be told is tried again at once"


async def test_who_cannot_be_told_is_tried_again_later_and_later(engine: AsyncEngine, relay: Relay) -> None:
    await happens(engine, NO_WORKFLOW_CAN_HAVE_THIS_ID)
    pauses = []
    for _ in range(8):
        assert await relay.deliver(0) == Delivered(failed=1)
        async with setting_up(engine) as connection:
            left = "select extract(epoch from next_attempt_at - now()) from billing.events"
            pauses.append(round(float((await connection.execute(text(left))).scalar_one())))
            await connection.execute(text("update billing.events set next_attempt_at = now()"))
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


async def test_several_relays_tell_each_customer_once(engine: AsyncEngine, client: Client, settings: Settings) -> None:
    users = [anybody() for _ in range(40)]
    await happens(engine, *users, *users)

    await asyncio.gather(*(Relay(engine, client, settings).deliver(0) for _ in range(6)))

    assert [await signals(client, user) for user in users] == [1] * 40
    assert {status for user in users for status in await statuses(engine, user)} == {"delivered"}


async def test_nobody_waits_for_a_signal_that_hangs(engine: AsyncEngine, settings: Settings) -> None:
    async with FaultProxy(int(settings.temporal_address.partition(":")[2])) as proxy:
        client = await Client.connect(f"{HOST}:{proxy.port}", namespace="billing", data_converter=DATA_CONVERTER)
        ada = anybody()
        await happens(engine, ada)
        proxy.fall_silent()
        delivering = asyncio.create_task(Relay(engine, client, settings).deliver(0))

        async def is_on_its_way() -> bool:
            async with engine.connect() as connection:
                return bool((await connection.execute(text("select sum(attempts) from billing.events"))).scalar())

        await until(is_on_its_way, within=10, what="nothing was signaled")
        async with setting_up(engine) as connection:  # as `records.save` does
            await connection.execute(text("set local lock_timeout = '500 ms'"))
            await connection.execute(text("update billing.events set status = 'applied', applied_at = now()"))
        await proxy.come_back()

        assert await delivering == Delivered(events=1)
        assert await statuses(engine, ada) == ["applied"], "what was applied meanwhile was taken back"


async def test_a_signal_is_given_up_and_tried_again(
    engine: AsyncEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SIGNAL_TIMEOUT", relay_module.SIGNAL_TIMEOUT / 20)
    async with FaultProxy(int(settings.temporal_address.partition(":")[2])) as proxy:
        client = await Client.connect(f"{HOST}:{proxy.port}", namespace="billing", data_converter=DATA_CONVERTER)
        await happens(engine, ada := anybody())
        proxy.fall_silent()
        relay = Relay(engine, client, settings)

        assert await relay.deliver(0) == Delivered(failed=1)
        assert await statuses(engine, ada) == ["pending"]

        await proxy.come_back()
        running = asyncio.create_task(relay.run())

        async def is_told() -> bool:
            return await statuses(engine, ada) == ["delivered"]

        await until(is_told, within=20, what="the relay forgot whom it had put off")
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_what_is_new_goes_out_at_once_beside_somebody_who_is_put_off(engine: AsyncEngine, relay: Relay) -> None:
    await happens(engine, NO_WORKFLOW_CAN_HAVE_THIS_ID)
    async with setting_up(engine) as connection:
        await connection.execute(text("update billing.events set next_attempt_at = now() + interval '1 hour'"))
    running = asyncio.create_task(relay.run())
    await asyncio.sleep(0)

    await happens(engine, zoe := anybody(), ago=0)
    relay.wake()

    async def is_told() -> bool:
        return await statuses(engine, zoe) == ["delivered"]

    await until(is_told, within=5, what="a new event waits for an old one")
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_orphans_find_their_owners_page_by_page(
    engine: AsyncEngine, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database.deliveries.ORPHANS", 3)
    async with setting_up(engine) as connection:
        await connection.execute(
            text("""
                insert into billing.events (id, type, created_at, received_at, livemode, stripe_customer_id, status)
                select 'evt_' || n, 'x', now(), now() - make_interval(days => n), false, 'cus_' || n, 'orphan'
                from generate_series(1, 40) as n;
            """)
        )
        owners = (
            "insert into billing.customers (user_id, stripe_customer_id) values ('eve', 'cus_29'), ('mel', 'cus_35')"
        )
        await connection.execute(text(owners))

    await relay.sweep()

    assert await statuses(engine, "eve") != []
    assert await statuses(engine, "mel") == [], "an orphan of five weeks has no owner any more"
