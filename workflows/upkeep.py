"""What is done again and again so that nothing stays undone: small workflows on Temporal Schedules."""

from datetime import timedelta
from functools import partial

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
    from activities.emails import Emails
    from settings import Settings
    from workflows.promises import Promises
    from workflows.relay import Relay

_THREE_TIMES = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3)
_TEN_MINUTES = timedelta(minutes=10)
_ONE_MINUTE = timedelta(minutes=1)


@workflow.defn(name="Sweep")
class SweepWorkflow:
    """Takes up what was left behind: undelivered events, unsent letters."""

    @workflow.run
    async def run(self) -> dict[str, int]:
        """How much there was of each."""
        events = await workflow.execute_activity_method(
            Relay.sweep,
            start_to_close_timeout=_TEN_MINUTES,
            heartbeat_timeout=_ONE_MINUTE,
            retry_policy=_THREE_TIMES,
            summary="deliver events that wait",
        )
        letters = await workflow.execute_activity_method(
            Emails.sweep,
            start_to_close_timeout=_TEN_MINUTES,
            heartbeat_timeout=_ONE_MINUTE,
            retry_policy=_THREE_TIMES,
            summary="send letters that wait",
        )
        promises = await workflow.execute_activity_method(
            Promises.keep,
            start_to_close_timeout=_TEN_MINUTES,
            heartbeat_timeout=_ONE_MINUTE,
            retry_policy=_THREE_TIMES,
            summary="keep what was promised",
        )
        return {"events": events, "letters": letters, "promises": promises}


@workflow.defn(name="CatchUp")
class CatchUpWorkflow:
    """Asks Stripe for events that never reached us."""

    @workflow.run
    async def run(self) -> int:
        """How many were missing."""
        return await workflow.execute_activity_method(
            CatchUp.catch_up,
            start_to_close_timeout=_TEN_MINUTES,
            heartbeat_timeout=_ONE_MINUTE,
            retry_policy=_THREE_TIMES,
            summary="events since the last one we know",
        )


async def keep_schedules(client: Client, settings: Settings) -> None:
    """Create the schedules, or bring their intervals to what the settings say."""
    rhythm = {
        "sweep": (SweepWorkflow.run, settings.sweep_seconds),
        "catch-up": (CatchUpWorkflow.run, settings.catch_up_seconds),
    }
    for name, (run, seconds) in rhythm.items():
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(
                run,  # type: ignore[arg-type]  # two workflows with answers of two types
                id=f"upkeep/{name}",
                task_queue=settings.temporal_task_queue,
                run_timeout=timedelta(minutes=30),
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=seconds))]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
        )
        try:
            await client.create_schedule(f"upkeep/{name}", schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(f"upkeep/{name}").update(partial(_replace, schedule))


def _replace(schedule: Schedule, _: ScheduleUpdateInput) -> ScheduleUpdate:
    return ScheduleUpdate(schedule)
