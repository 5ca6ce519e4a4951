"""A 202 is a promise: it is kept although nobody worked when it was given and Temporal forgot what was asked."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from local.programs import Mailbox
from local.temporal import Temporal
from local.waiting import until
from settings import Settings
from tests.fixtures.books import contradictions, differences, sweep
from tests.fixtures.databases import setting_up
from tests.fixtures.worlds import Customer, World, settings_for
from worker import make_worker


@pytest_asyncio.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[Temporal]:
    """A server of this test's own that keeps on disk what it ever wrote down."""
    async with Temporal(log=tmp_path / "temporal.log", database=tmp_path / "temporal.db") as server:
        yield server


@pytest.fixture
def world_settings(database: str, temporal: Temporal, local_stripe: str, mailbox: Mailbox) -> Settings:
    return settings_for(database, temporal.address, local_stripe, mailbox, request_deadline_seconds=2)


async def promised(ada: Customer, temporal: Temporal, method: str, path: str) -> httpx.Response:
    """Ask while no worker works, and let Temporal die and rise again: an update that nobody took is in no history."""
    assert ada.world.worker
    await ada.world.worker.shutdown()
    answer = await ada.ask(method, path)
    assert answer.status_code == 202, answer.text
    await temporal.stop()
    await temporal.start()
    return answer


async def operation(ada: Customer, answer: httpx.Response) -> dict[str, Any]:
    return dict((await ada.ask("GET", answer.headers["location"].removeprefix("/billing"))).json())


async def half_a_minute_passes(world: World) -> None:
    async with setting_up(world.engine) as connection:
        await connection.exec_driver_sql("update billing.operations set asked_at = asked_at - interval '31 s'")


async def test_a_cancellation_that_temporal_forgot_is_carried_out_once(world: World, temporal: Temporal) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    answer = await promised(ada, temporal, "DELETE", "/subscriptions?timing=period_end&reason=unused")

    async with make_worker(world.client, world.settings, world.engine, world.stripe):
        await sweep(world)
        assert (await operation(ada, answer))["status"] == "pending", "asked again before anybody had the time"
        await half_a_minute_passes(world)
        for _ in range(3):
            await sweep(world)

        async def is_done() -> bool:
            return bool((await operation(ada, answer))["status"] == "succeeded")

        await until(is_done, within=30, what="the promise is not kept")
        await ada.settled()
        assert (await ada.mine())["cancel_at_period_end"] is True
        assert await ada.timeline() == ["subscribed", "cancellation_scheduled"]
        await ada.travel(days=32)
        assert await ada.status() == "canceled"
        assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [1000]
        await ada.letters()
        assert await differences(world, ada) == []
        assert await contradictions(world, ada) == []


async def test_a_promise_that_no_longer_fits_ends_as_a_refusal(world: World, temporal: Temporal) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    answer = await promised(ada, temporal, "POST", "/subscriptions/resume")

    async with make_worker(world.client, world.settings, world.engine, world.stripe):
        await half_a_minute_passes(world)
        await sweep(world)
        ended = await operation(ada, answer)

    assert (ended["status"], ended["code"]) == ("refused", "not_canceling")
