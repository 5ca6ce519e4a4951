"""The way into workflows for the API: an intent in, its outcome out."""

import asyncio

import structlog
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from lifecycle.intents import Outcome, Request
from lifecycle.refusals import Refusal, RefusalCode
from workflows.carried import first_of_life
from workflows.subscription import SubscriptionWorkflow

_log = structlog.get_logger(__name__)


class Unavailable(Exception):
    """No answer was to be had; nothing is known of the intent, and asking again with its key is safe.

    Temporal is away, the workflow closed under the command, or its task fails until a mended worker goes on with it.
    """


def workflow_id(user_id: str) -> str:
    """One workflow id a user, for all their lives."""
    return f"subscription/{user_id}"


class Door:
    """Hands intents to workflows and brings back what came of them."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def ask(self, user_id: str, request: Request, deadline: float) -> Outcome | None:
        """Carry an intent to the user's workflow, starting a life if there is none.

        None: still under way after ``deadline`` seconds; it goes on, and asking again under its operation joins it.
        Raises `Refusal` when it does not fit the state, `Unavailable` for everything else that an update can run into.
        """
        try:
            async with asyncio.timeout(deadline):
                return await self._update(user_id, request)
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            return None
        except WorkflowUpdateFailedError as error:
            raise _refusal(error) or _unavailable(error) from None
        except RPCError as error:
            if error.status is RPCStatusCode.DEADLINE_EXCEEDED:
                return None
            raise _unavailable(error) from None

    async def _update(self, user_id: str, request: Request) -> Outcome:
        start = WithStartWorkflowOperation(
            SubscriptionWorkflow.run,
            first_of_life(user_id),
            id=workflow_id(user_id),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary="One customer's subscription, from the first click to the end",
        )
        begun = asyncio.create_task(start.workflow_handle())  # or the SDK's future of it dies unheard, with a traceback
        begun.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            return await self._client.execute_update_with_start_workflow(
                SubscriptionWorkflow.ask,  # type: ignore[arg-type]  # the SDK mistypes an update that has a validator
                request,
                start_workflow_operation=start,
                id=request.operation_id,
            )
        finally:
            begun.cancel()


def _refusal(error: WorkflowUpdateFailedError) -> Refusal | None:
    """None also for a code of a release that is newer than this one."""
    cause = error.cause
    if not isinstance(cause, ApplicationError) or cause.type != "Refusal" or cause.details[0] not in set(RefusalCode):
        return None
    return Refusal(RefusalCode(cause.details[0]), cause.message)


def _unavailable(error: RPCError | WorkflowUpdateFailedError) -> Unavailable:
    """NOT_FOUND: the workflow closed between start and update. The next try begins a new run."""
    cause = error.cause if isinstance(error, WorkflowUpdateFailedError) else None
    reason = error.status.name if isinstance(error, RPCError) else getattr(cause, "type", None) or type(cause).__name__
    _log.warning("update_failed", reason=reason)
    return Unavailable(reason)
