"""Reconciliation: every subscription against Stripe, every day; whoever differs is told to look.

The workflow of a subscription stays the only writer: it is told what differs, looks for itself, and writes down what it
repaired. What a look cannot mend it flags for a person.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

import telemetry
from activities.reconciliation import PAGE, Comparison, Finding, Place
from database.reconciliation import (
    Counts,
    about_how_many,
    begin_round,
    finish_round,
    note_progress,
    rows_of_users,
)
from lifecycle.drift import BEYOND_A_LOOK, NEVER_ADOPTED, UNKNOWN_USER, WORKFLOW, Verdict
from lifecycle.events import RECONCILED, EventHint
from workflows.door import workflow_id
from workflows.signals import signal_with_start

SLICE_SECONDS = 600.0
"""How long one activity walks; the next one goes on where it stopped."""
SPREAD = 0.8
"""The part of the time between two rounds in which one is meant to be done."""
LONGEST_PAUSE_SECONDS = 5.0
"""After a full page; an installation of a few pages is done in a minute."""
ANSWERS_WITHIN_SECONDS = 20.0
AT_ONCE = 10

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Judged:
    """What was found of one subscription, and what became of it."""

    finding: Finding
    verdict: Verdict

    def told(self) -> dict[str, Any]:
        """For the report: ids and names of what differs."""
        return {
            "user": self.finding.user_id,
            "subscription": self.finding.subscription_id,
            "differs": list(self.finding.differs),
            "verdict": self.verdict.value,
            "flag": self.finding.flagged,
        }


class Reconciler:
    """Judges what a comparison finds. With ``dry_run`` it tells nobody."""

    def __init__(
        self, comparison: Comparison, engine: AsyncEngine, client: Client, task_queue: str, *, dry_run: bool = False
    ) -> None:
        self.comparison = comparison
        self._engine = engine
        self._client = client
        self._task_queue = task_queue
        self.is_dry_run = dry_run
        self._few = asyncio.Semaphore(AT_ONCE)

    async def judge(self, findings: Sequence[Finding], reason: str) -> list[Judged]:
        """Wake those who differ, and say what became of each. ``reason`` names this round in their timelines."""
        lost = await self._without_workflow([finding.user_id for finding in findings if finding.lives])
        found = [
            replace(finding, differs=(*finding.differs, WORKFLOW)) if finding.user_id in lost else finding
            for finding in findings
        ]
        return list(await asyncio.gather(*(self._judge(finding, reason) for finding in found)))

    async def _judge(self, finding: Finding, reason: str) -> Judged:
        if not finding.differs:
            return Judged(finding, Verdict.AGREED)
        what = set(finding.differs)
        known_to_a_person = finding.flagged is not None and what <= BEYOND_A_LOOK
        if known_to_a_person or UNKNOWN_USER in what or what >= NEVER_ADOPTED:
            return Judged(finding, Verdict.NEEDS_PERSON)
        if self.is_dry_run:
            return Judged(finding, Verdict.DIFFERS)
        async with self._few:
            return await self._settle(finding, reason)

    async def _settle(self, finding: Finding, reason: str) -> Judged:
        """One look should mend it; where it has not, the workflow is told so and flags itself."""
        for in_vain in (False, True):
            if not await self._tell(finding, reason, in_vain=in_vain):
                return Judged(finding, Verdict.UNREACHABLE)
            now = await self._after_a_look(finding)
            if now is None:
                return Judged(finding, Verdict.UNREACHABLE)
            if not now.differs:
                return Judged(finding, Verdict.REPAIRED)
            if now.flagged:
                return Judged(replace(finding, differs=now.differs, flagged=now.flagged), Verdict.NEEDS_PERSON)
            finding = replace(finding, differs=now.differs, seq=now.seq)
        return Judged(finding, Verdict.NEEDS_PERSON)

    async def _tell(self, finding: Finding, reason: str, *, in_vain: bool) -> bool:
        hint = EventHint(
            reason, RECONCILED, finding.subscription_id, differs=", ".join(finding.differs), in_vain=in_vain
        )
        try:
            await signal_with_start(self._client, self._task_queue, finding.user_id, [hint])
        except RPCError as error:
            _log.warning("signal_failed", user_id=finding.user_id, reason=error.status.name)
            return False
        return True

    async def _after_a_look(self, finding: Finding) -> Finding | None:
        """Compared once more when the workflow has saved; None when it has not in time."""
        until = time.monotonic() + ANSWERS_WITHIN_SECONDS
        while time.monotonic() < until:
            row = (await rows_of_users(self._engine, [finding.user_id])).get(finding.user_id)
            if row is not None and row["seq"] > finding.seq:
                return await self.comparison.again(replace(finding, flagged=row["needs_attention"]))
            _heartbeat()
            await asyncio.sleep(0.2)
        return None

    async def _without_workflow(self, users: Sequence[str]) -> set[str]:
        """Those whose subscription runs and whose workflow does not: Temporal's store was lost.

        One question to the visibility store for all; it may lag, so whoever is missing there is asked for by name.
        """
        quoted = [workflow_id(user).replace("\\", "\\\\").replace("'", "\\'") for user in users]
        if not quoted:
            return set()
        names = ", ".join(f"'{name}'" for name in quoted)
        query = f"WorkflowId in ({names}) and ExecutionStatus = 'Running'"
        running = {run.id async for run in self._client.list_workflows(query, page_size=PAGE)}
        missing = [user for user in users if workflow_id(user) not in running]
        runs = await asyncio.gather(*map(self._runs, missing))
        return {user for user, is_there in zip(missing, runs, strict=True) if not is_there}

    async def _runs(self, user_id: str) -> bool:
        async with self._few:
            try:
                found = await self._client.get_workflow_handle(workflow_id(user_id)).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return False
        return found.status is WorkflowExecutionStatus.RUNNING


async def everything(reconciler: Reconciler, engine: AsyncEngine) -> AsyncIterator[list[Judged]]:
    """One round at once, as an operator asks for it; a dry run leaves no trace."""
    this = None if reconciler.is_dry_run else await begin_round(engine, is_scheduled=False)
    async for batch in reconciler.comparison.batches(Place()):
        judged = await reconciler.judge(batch.findings, f"reconciliation/{this.id if this else 'dry'}")
        if this:
            await note_progress(engine, this.id, counted(judged), batch.place.as_json() if batch.place else None)
        yield judged
    if this:
        await finish_round(engine, this.id)


class Rounds:
    """The daily walk through all subscriptions, as an activity that goes on where it was interrupted."""

    def __init__(self, reconciler: Reconciler, engine: AsyncEngine, *, every_seconds: float) -> None:
        self._reconciler = reconciler
        self._engine = engine
        self._every = every_seconds

    @activity.defn(name="reconciliation.walk")
    async def walk(self) -> bool:
        """One slice of a round; True when the round is done."""
        this = await begin_round(self._engine, is_scheduled=True)
        pages = await about_how_many(self._engine) / PAGE + 1
        pause = min(LONGEST_PAUSE_SECONDS, SPREAD * self._every / pages)
        until = time.monotonic() + SLICE_SECONDS
        async for batch in self._reconciler.comparison.batches(Place.from_json(this.place)):
            _heartbeat()
            judged = await self._reconciler.judge(batch.findings, f"reconciliation/{this.id}")
            place = batch.place.as_json() if batch.place else None
            await note_progress(self._engine, this.id, counted(judged), place)
            if batch.place is None:
                break
            if time.monotonic() > until:
                return False
            await asyncio.sleep(pause * len(batch.findings) / PAGE)
        await finish_round(self._engine, this.id)
        return True


def counted(judged: Sequence[Judged]) -> Counts:
    """How many of each, and whom an operator should know by name; counted for Prometheus, too."""
    verdicts = [one.verdict for one in judged]
    for verdict in verdicts:
        telemetry.RECONCILED.labels(verdict.value).inc()
    return Counts(
        looked_at=len(judged),
        agreed=verdicts.count(Verdict.AGREED),
        repaired=verdicts.count(Verdict.REPAIRED),
        needs_person=verdicts.count(Verdict.NEEDS_PERSON),
        unreachable=verdicts.count(Verdict.UNREACHABLE),
        problems=[one.told() for one in judged if one.verdict is not Verdict.AGREED],
    )


def _heartbeat() -> None:
    with contextlib.suppress(RuntimeError):  # outside an activity there is nobody to tell
        activity.heartbeat()
