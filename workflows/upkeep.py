"""What is done again and again so that nothing stays undone: small workflows on Temporal Schedules."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.catching_up import CatchUp
    from activities.disputes import Disputes
    from activities.emails import Emails
    from activities.identities import Identities
    from activities.retention import Retention
    from settings import Settings
    from workflows.promises import Promises
    from workflows.reconciling import Rounds
    from workflows.relay import Relay
    from workflows.vanishing import Vanishing

_LIMITS: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=10),
    "heartbeat_timeout": timedelta(minutes=1),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3),
}
"""What fails three times is taken up by the next run."""
_SHORT, _LONG = timedelta(minutes=30), timedelta(days=3)


@workflow.defn(name="Sweep")
class SweepWorkflow:
    """Takes up what was left behind: undelivered events, broken promises, unsent letters."""

    @workflow.run
    async def run(self) -> dict[str, int]:
        """How much there was of each. The parts run side by side, so that none waits for another that cannot."""
        found: Sequence[Any] = await asyncio.gather(
            workflow.execute_activity_method(Relay.sweep, summary="deliver events that wait", **_LIMITS),
            workflow.execute_activity_method(Promises.keep, summary="keep what was promised", **_LIMITS),
            workflow.execute_activity_method(Emails.sweep, summary="send letters that wait", **_LIMITS),
            workflow.execute_activity_method(Disputes.find_owners, summary="ask whose the disputes are", **_LIMITS),
            return_exceptions=True,
        )
        for result in found:
            if isinstance(result, BaseException):
                raise result
        delivered, promises, letters, disputes = found
        if disputes:  # nobody whose payment was taken back keeps access until the next sweep
            delivered += await workflow.execute_activity_method(
                Relay.sweep, summary="deliver disputes that have an owner now", **_LIMITS
            )
        return {
            "events": delivered.events,
            "not told": delivered.failed,
            "promises": promises,
            "letters": letters,
            "disputes": disputes,
        }


@workflow.defn(name="CatchUp")
class CatchUpWorkflow:
    """Asks Stripe for events that never reached us."""

    @workflow.run
    async def run(self) -> int:
        """How many were missing."""
        return await workflow.execute_activity_method(
            CatchUp.catch_up,
            summary="events since the last one we know",
            **_LIMITS,
        )


@workflow.defn(name="Reconciliation")
class ReconciliationWorkflow:
    """Compares every subscription with Stripe, slice by slice."""

    @workflow.run
    async def run(self) -> None:
        """Until all were looked at; a round that is interrupted is gone on with by the next run."""
        while not await workflow.execute_activity_method(
            Rounds.walk, summary="compare the books", **_LIMITS | {"start_to_close_timeout": timedelta(minutes=30)}
        ):
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new()


@workflow.defn(name="Retention")
class RetentionWorkflow:
    """Discards what nobody asks for any more."""

    @workflow.run
    async def run(self) -> dict[str, int]:
        """How many rows of each."""
        return await workflow.execute_activity_method(Retention.discard, summary="discard what is too old", **_LIMITS)


@workflow.defn(name="Identities")
class IdentitiesWorkflow:
    """Follows the app's users: who is called otherwise now, and who is gone."""

    @workflow.run
    async def run(self) -> dict[str, int]:
        """How many of each."""
        followed = await workflow.execute_activity_method(
            Identities.follow, summary="tell Stripe of new names and addresses", **_LIMITS
        )
        forgotten = await workflow.execute_activity_method(
            Vanishing.forget, summary="forget users who are gone", **_LIMITS
        )
        return {"followed": followed, "forgotten": forgotten}


async def keep_schedules(client: Client, settings: Settings) -> None:
    """Create the schedules, or bring them to what the settings say; one that an operator paused stays paused."""
    rhythm: dict[str, tuple[Any, timedelta, timedelta]] = {
        "sweep": (SweepWorkflow.run, timedelta(seconds=settings.sweep_seconds), _SHORT),
        "catch-up": (CatchUpWorkflow.run, timedelta(seconds=settings.catch_up_seconds), _SHORT),
        "retention": (RetentionWorkflow.run, timedelta(days=1), _SHORT),
        "reconciliation": (ReconciliationWorkflow.run, timedelta(seconds=settings.reconcile_seconds), _LONG),
        "identities": (IdentitiesWorkflow.run, timedelta(seconds=settings.identities_seconds), _SHORT),
    }
    for name, (run, every, at_most) in rhythm.items():
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(
                run,
                id=f"upkeep/{name}",
                task_queue=settings.temporal_task_queue,
                run_timeout=at_most,
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
        )
        try:
            await client.create_schedule(f"upkeep/{name}", schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(f"upkeep/{name}").update(partial(_replace, schedule))


def _replace(schedule: Schedule, found: ScheduleUpdateInput) -> ScheduleUpdate:
    return ScheduleUpdate(replace(schedule, state=found.description.schedule.state))
