"""``perennial acknowledge``: an operator has looked into what was flagged, and takes the flag away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from commands.installation import AuditReason, By, connected, ends_with, operators_act

if TYPE_CHECKING:
    from commands.installation import Parts
    from database.audit import Act

FLAGGED = "WorkflowType = 'Subscription' and ExecutionStatus = 'Running' and NeedsAttention = true"


def acknowledge(
    users: Annotated[list[str] | None, typer.Argument(metavar="[USER]...", help="Ids of users.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Everybody whose subscription is flagged now.")] = False,
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """Take the flag NeedsAttention away; each subscription looks at Stripe once more, and a new surprise flags it anew.

    Exit code 1: somebody has no running subscription; the flag of one that is over is history.
    """
    if bool(users) == everyone:
        raise ends_with("Name users, or ask for --all.")
    act = operators_act("acknowledge", by, reason=audit_reason)
    over = asyncio.run(_acknowledge(users or [], by or "cli", act))
    if over:
        raise ends_with(f"No running subscription: {', '.join(over)}.")


async def _acknowledge(users: list[str], by: str, act: "Act") -> list[str]:
    """Answers those who have nothing running."""
    over = list[str]()
    async with connected() as parts:
        async for user in _named(users) if users else _flagged(parts):
            if await _told(parts, by, replace(act, subject=user)):
                typer.echo(f"{user}: acknowledged")
            else:
                over.append(user)
    return over


async def _told(parts: "Parts", by: str, act: "Act") -> bool:
    """Written down first, as every act. Histories hear of an id that was given, never of an account on a machine."""
    from temporalio.service import RPCError, RPCStatusCode

    from database.audit import write_act_first
    from workflows.door import workflow_id
    from workflows.subscription import SubscriptionWorkflow

    await write_act_first(parts.engine, act)
    handle = parts.temporal.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(act.subject or ""))
    try:
        await handle.signal(SubscriptionWorkflow.acknowledge, by)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def _named(users: list[str]) -> AsyncIterator[str]:
    for user in dict.fromkeys(users):
        yield user


async def _flagged(parts: "Parts") -> AsyncIterator[str]:
    """As Temporal shows them, which may be a moment late."""
    from workflows.door import workflow_id

    async for flagged in parts.temporal.list_workflows(FLAGGED):
        yield flagged.id.removeprefix(workflow_id(""))
