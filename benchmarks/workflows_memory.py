"""What a subscription costs a worker: memory and CPU while it is cached and idle, time of a cold workflow task.

``python -m benchmarks.workflows_memory [--workflows N]``: the worker's own sandbox beside Temporal's default one and
none at all, each in a process of its own, with activities that only remember.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from benchmarks.figures import describe_machine, memory_mb, show
from lifecycle.intents import Request, Subscribe
from lifecycle.plans import Interval, load_catalogue
from local.temporal import NAMESPACE, Temporal
from settings import ROOT
from tests.workflows.stand_ins import Bank, Books, Post
from worker import SANDBOX
from workflows.door import Door, workflow_id
from workflows.payloads import DATA_CONVERTER
from workflows.subscription import SubscriptionWorkflow

RUNNERS: dict[str, WorkflowRunner] = {
    "ours": SANDBOX,
    "default": SandboxedWorkflowRunner(),
    "none": UnsandboxedWorkflowRunner(),
}
AT_ONCE = 8
COLD = 200
IDLE_SECONDS = 5.0
TERMS = load_catalogue(ROOT / "plans.toml").terms("BASIC", Interval.MONTH)
NAMES = ("fetch", "subscribe", "change_plan", "cancel", "resume", "begin", "save", "send")


def make_worker(client: Client, runner: WorkflowRunner, queue: str, cached: int) -> Worker:
    """A worker with stand-ins; ``cached`` 0 makes every workflow task a cold one."""
    parts: list[Any] = [Bank(), Books(), Post()]
    activities: list[Callable[..., Any]] = [getattr(one, name) for one in parts for name in NAMES if hasattr(one, name)]
    return Worker(
        client,
        task_queue=queue,
        workflows=[SubscriptionWorkflow],
        activities=activities,
        workflow_runner=runner,
        max_cached_workflows=cached,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
    )


async def fill(client: Client, queue: str, users: list[str]) -> None:
    """Every user subscribes."""
    door, gate = Door(client, queue), asyncio.Semaphore(AT_ONCE)

    async def subscribe(user: str) -> None:
        async with gate:
            asked = Request(f"operation-{user}", Subscribe(TERMS, trial_days=0))
            outcome = await door.ask(user, asked, 60)
            assert outcome is not None, "a workflow did not answer"

    await asyncio.gather(*(subscribe(user) for user in users))


async def ask_all(client: Client, users: list[str]) -> float:
    """CPU seconds of this process for one look into each workflow, one after the other."""
    began = time.process_time()
    for user in users:
        handle = client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(user))
        await handle.query(SubscriptionWorkflow.state)
    return time.process_time() - began


async def measure(address: str, kind: str, count: int) -> dict[str, float]:
    client = await Client.connect(address, namespace=NAMESPACE, data_converter=DATA_CONVERTER)
    users = [f"{kind}-{number}" for number in range(count)]
    async with make_worker(client, RUNNERS[kind], kind, count * 2):
        await fill(client, kind, [f"{kind}-warm-{number}" for number in range(20)])
        gc.collect()
        before, cpu = memory_mb(os.getpid()), time.process_time()
        await fill(client, kind, users)
        cpu = time.process_time() - cpu
        await asyncio.sleep(2)  # what was under way in the activities' threads ends
        gc.collect()
        cached, resting = memory_mb(os.getpid()), time.process_time()
        await asyncio.sleep(IDLE_SECONDS)
        resting = time.process_time() - resting
        warm = await ask_all(client, users[:COLD])
    async with make_worker(client, RUNNERS[kind], kind, 0):
        await ask_all(client, users[:20])
        cold = await ask_all(client, users[:COLD])
    return {
        "memory": (cached - before) / count * 1000,
        "begin": cpu / count * 1000,
        "idle": resting / IDLE_SECONDS * 100,
        "warm": warm / COLD * 1000,
        "cold": cold / COLD * 1000,
    }


async def run(count: int) -> None:
    describe_machine()
    rows = []
    with tempfile.TemporaryDirectory(prefix="perennial-benchmark-") as folder:
        async with Temporal(log=Path(folder) / "temporal.log") as temporal:
            for kind in RUNNERS:
                command = (sys.executable, "-m", "benchmarks.workflows_memory", temporal.address, kind, str(count))
                child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
                found = json.loads((await child.communicate())[0])
                rows.append([kind, *(f"{found[name]:.1f}" for name in ("memory", "begin", "idle", "warm", "cold"))])
    head = ["sandbox", "kB a cached workflow", "CPU ms to subscribe", "% of a core, all idle"]
    head += ["CPU ms a query, cached", "CPU ms a query, cold"]
    show(f"{count} workflows in one worker (worker and caller in one process)", head, rows)
    describe_machine()


def main() -> None:
    if len(sys.argv) == 4:
        address, kind, count = sys.argv[1:]
        print(json.dumps(asyncio.run(measure(address, kind, int(count)))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workflows", type=int, default=1000)
    asyncio.run(run(parser.parse_args().workflows))


if __name__ == "__main__":
    main()
