"""Upkeep goes on, whatever part of it cannot."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from worker import SANDBOX
from workflows.payloads import DATA_CONVERTER
from workflows.relay import Delivered
from workflows.upkeep import SweepWorkflow


class Parts:
    """The parts of a sweep, one of which breaks."""

    def __init__(self) -> None:
        self.broken = ""
        self.done: list[str] = []

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
        activities=[parts.deliver, parts.keep, parts.send],
        workflow_runner=SANDBOX,
    ) as worker:
        yield worker


async def sweep(worker: Worker) -> dict[str, int]:
    return await worker.client.execute_workflow(SweepWorkflow.run, id=f"sweep-{uuid4()}", task_queue=worker.task_queue)


async def test_a_sweep_says_how_much_there_was(worker: Worker) -> None:
    assert await sweep(worker) == {"events": 3, "not told": 1, "promises": 2, "letters": 1}


@pytest.mark.parametrize("broken", ["events", "promises", "letters"])
async def test_a_part_that_breaks_is_told_after_the_others_have_run(worker: Worker, parts: Parts, broken: str) -> None:
    parts.broken = broken

    with pytest.raises(WorkflowFailureError) as failure:
        await sweep(worker)

    assert f"{broken} cannot" in str(failure.value.cause.__cause__)
    assert {*parts.done, broken} == {"events", "promises", "letters"}
