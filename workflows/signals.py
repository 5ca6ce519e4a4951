"""Hints for a workflow that may have to be started first."""

from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from lifecycle.events import EventHint
from workflows.carried import first_of_life
from workflows.door import workflow_id
from workflows.subscription import SubscriptionWorkflow

SIGNAL_TIMEOUT = timedelta(seconds=10)


async def signal_with_start(client: Client, task_queue: str, user_id: str, hints: Sequence[EventHint]) -> None:
    """Tell a user's workflow, and begin a life where there is none."""
    await client.start_workflow(
        SubscriptionWorkflow.run,
        first_of_life(user_id),
        id=workflow_id(user_id),
        task_queue=task_queue,
        start_signal="stripe_events",
        start_signal_args=[list(hints)],
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="One customer's subscription, from the first click to the end",
        rpc_timeout=SIGNAL_TIMEOUT,
    )
