"""Upkeep goes on, whatever part of it cannot."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from structlog.testing import capture_logs
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from local.temporal import Temporal
from local.waiting import until
from settings import Settings
from tests.api.conftest import make_settings
from worker import SANDBOX
from workflows.connection import connect, patiently
from workflows.payloads import DATA_CONVERTER
from workflows.relay import Delivered
from workflows.upkeep import SweepWorkflow, keep_schedules


class Parts:
    """The parts of a sweep, one of which breaks."""

    def __init__(self) -> None:
        self.broken = ""
        self.done: list[str] = []
        self.disputes = 0

    def _do(self, name: str) -> None:
        if name == self.broken:
            raise ApplicationError(f"{name} cannot", non_retryable=True)
        self.done.append(name)

    @activity.defn(name="relay.sweep")
    async def deliver(self) -> Delivered:
        self._do("events")
        return Delivered(3, 1)

    @activity.defn(name="promises.keep")
    async def keep(self) -> int:
        self._do("promises")
        return 2

    @activity.defn(name="emails.sweep")
    async def send(self) -> int:
        self._do("letters")
        return 1

    @activity.defn(name="disputes.find_owners")
    async def find_owners(self) -> int:
        self._do("disputes")
        return self.disputes


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest_asyncio.fixture
async def worker(temporal_server: str, parts: Parts) -> AsyncIterator[Worker]:
    client = await Client.connect(temporal_server, namespace="billing", data_converter=DATA_CONVERTER)
    async with Worker(
        client,
        task_queue=f"test-{uuid4().hex[:8]}",
        workflows=[SweepWorkflow],
        activities=[parts.deliver, parts.keep, parts.send, parts.find_owners],
        workflow_runner=SANDBOX,
    ) as worker:
        yield worker


async def sweep(worker: Worker) -> dict[str, int]:
    return await worker.client.execute_workflow(SweepWorkflow.run, id=f"sweep-{uuid4()}", task_queue=worker.task_queue)


async def test_a_sweep_says_how_much_there_was(worker: Worker) -> None:
    assert await sweep(worker) == {"events": 3, "not told": 1, "promises": 2, "letters": 1, "disputes": 0}


async def test_a_dispute_that_found_its_customer_is_delivered_in_the_same_sweep(worker: Worker, parts: Parts) -> None:
    parts.disputes = 1

    assert (await sweep(worker))["disputes"] == 1
    assert parts.done.count("events") == 2
    assert parts.done[-1] == "events"


@pytest.mark.parametrize("broken", ["events", "promises", "letters", "disputes"])
async def test_a_part_that_breaks_is_told_after_the_others_have_run(worker: Worker, parts: Parts, broken: str) -> None:
    parts.broken = broken

    with pytest.raises(WorkflowFailureError) as failure:
        await sweep(worker)

    assert f"{broken} cannot" in str(failure.value.cause.__cause__)
    assert {*parts.done, broken} == {"events", "promises", "letters", "disputes"}


@pytest.fixture
def settings(temporal_server: str) -> Settings:
    return make_settings("postgresql://nobody@127.0.0.1/none", temporal_address=temporal_server, sweep_seconds=3600)


async def test_a_schedule_that_an_operator_paused_stays_paused(settings: Settings, tmp_path: Path) -> None:
    async with Temporal(log=tmp_path / "temporal.log") as temporal:
        client = await Client.connect(temporal.address, namespace="billing", data_converter=DATA_CONVERTER)
        await keep_schedules(client, settings)
        sweep = client.get_schedule_handle("upkeep/sweep")
        await sweep.pause(note="the mail server moves")

        await keep_schedules(client, settings.model_copy(update={"sweep_seconds": 7200}))

        found = (await sweep.describe()).schedule
        assert (found.state.paused, found.state.note) == (True, "the mail server moves")
        assert [interval.every for interval in found.spec.intervals] == [timedelta(hours=2)]
        assert not (await client.get_schedule_handle("upkeep/catch-up").describe()).schedule.state.paused


async def test_a_worker_that_starts_while_temporal_goes_away_waits_for_it(settings: Settings, tmp_path: Path) -> None:
    temporal = Temporal(log=tmp_path / "temporal.log")
    away = settings.model_copy(update={"temporal_address": temporal.address})
    client = await connect(away, lazy=True)
    starting = asyncio.create_task(patiently(partial(keep_schedules, client, away)))
    with capture_logs() as logs:

        async def waits() -> bool:
            return any(line["event"] == "temporal_away" for line in logs) or starting.done()

        await until(waits, within=30, what="it did not even try")
    assert not starting.done()

    async with temporal:
        await asyncio.wait_for(starting, 60)
        schedules = {schedule.id async for schedule in await client.list_schedules()}
        known = {"sweep", "catch-up", "identities", "retention", "reconciliation"}
        assert schedules <= {f"upkeep/{name}" for name in known}
        assert (await client.get_schedule_handle("upkeep/retention").describe()).schedule
