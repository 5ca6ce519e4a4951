"""A step that takes its time is left alone, one whose worker is gone is begun again soon; on a real Temporal server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import pulse
from activities.pulse import PulseInterceptor
from workflows.payloads import DATA_CONVERTER

DEAD_AFTER = timedelta(seconds=1)


class Work:
    """Takes longer than a heartbeat may be late, and notes every attempt with what the one before had told."""

    def __init__(self) -> None:
        self.attempts: list[list[object]] = []
        self.is_done = asyncio.Event()
        self.fails_first = False

    @activity.defn
    async def take_time(self) -> None:
        self.attempts.append(list(activity.info().heartbeat_details))
        if self.fails_first and len(self.attempts) == 1:
            activity.heartbeat("half of it")
            await asyncio.sleep(2 * DEAD_AFTER.total_seconds())  # beats follow, and take the place of this one
            raise ConnectionError
        await asyncio.wait_for(self.is_done.wait(), 3 * DEAD_AFTER.total_seconds())


@workflow.defn
class Working:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity_method(
            Work.take_time,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=DEAD_AFTER,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=50)),
        )


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(pulse, "FIRST_BEAT_AFTER_SECONDS", 0.2)
    return Work()


@pytest_asyncio.fixture
async def worker(temporal_server: str, work: Work) -> AsyncIterator[Worker]:
    client = await Client.connect(temporal_server, namespace="billing", data_converter=DATA_CONVERTER)
    async with Worker(
        client,
        task_queue=f"test-{uuid4().hex[:8]}",
        workflows=[Working],
        activities=[work.take_time],
        interceptors=[PulseInterceptor()],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ) as running:
        yield running


async def test_a_step_that_takes_its_time_is_done_once(worker: Worker, work: Work) -> None:
    asyncio.get_running_loop().call_later(2 * DEAD_AFTER.total_seconds(), work.is_done.set)

    await worker.client.execute_workflow(Working.run, id=f"test-{uuid4()}", task_queue=worker.task_queue)

    assert len(work.attempts) == 1


async def test_what_a_step_told_last_reaches_its_next_attempt_through_every_beat(worker: Worker, work: Work) -> None:
    work.fails_first = True
    work.is_done.set()

    await worker.client.execute_workflow(Working.run, id=f"test-{uuid4()}", task_queue=worker.task_queue)

    assert work.attempts == [[], ["half of it"]]
