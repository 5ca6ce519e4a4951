"""``perennial policy``: move subscriptions to the rules that their plan has today; first only say what would change."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from commands.installation import AuditReason, By, connected, ends_with, operators_act

if TYPE_CHECKING:
    from rich.console import Console

    from commands.installation import Parts
    from database.audit import Act
    from lifecycle.policy import Policy

AT_ONCE = 10
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Mover:
    """Who moves them: ``by`` for their histories, which hear of no account on a machine, and the act for the audit."""

    by: str
    act: "Act"


def policy(
    user: Annotated[str | None, typer.Argument(help="The user's id.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Everybody who has the plan.")] = False,
    plan: Annotated[str | None, typer.Option("--plan", metavar="CODE", help="The plan, with --all.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Otherwise only say what would change.")] = False,
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """Move subscriptions from the rules they were sold under (grace, tries, reminders) to those of the plans file.

    Nobody's grace ends before the day that a letter has named. Customers hear nothing. Who has been moved is left
    alone, so a run that was interrupted is simply repeated.

    Exit code 0: nothing is left to do. 1: something would change, or waits.
    """
    if (user is None) != everyone or everyone != (plan is not None):
        raise ends_with("Name one user, or a plan with --all --plan CODE.")
    act = operators_act("move_policy", by, reason=audit_reason)
    mover = Mover(by or "cli", act) if apply else None
    is_done = asyncio.run(_one(user, mover) if user else _everybody((plan or "").upper(), mover))
    if not is_done:
        raise typer.Exit(1)


async def _one(user: str, mover: Mover | None) -> bool:
    from rich.console import Console

    from database.policies import read_rules_of
    from lifecycle.policy import policy_from

    console = Console()
    async with connected() as parts:
        row = await read_rules_of(parts.engine, user)
        if row is None:
            raise ends_with(f"{user} has no running subscription.")
        today = _today(parts, row["plan"])
        return await _move(console, parts, row["plan"], [(user, policy_from(row["policy"]))], today, mover)


async def _everybody(plan: str, mover: Mover | None) -> bool:
    from rich.console import Console

    from database.policies import count_by_rules, subscribers_of
    from lifecycle.policy import policy_from

    console = Console()
    async with connected() as parts:
        today = _today(parts, plan)
        rules = [(policy_from(kept), number) for kept, number in await count_by_rules(parts.engine, plan)]
        for old, number in rules:
            console.print(f"  {number:,} under {_said(old, today)}", highlight=False, soft_wrap=True)
        if mover is None:
            _close(console, sum(number for old, number in rules if old != today))
            return all(old == today for old, _ in rules)
        done = True
        async for page in subscribers_of(parts.engine, plan):
            who = [(row["user_id"], policy_from(row["policy"])) for row in page]
            done = await _move(console, parts, plan, who, today, mover) and done
        return done


async def _move(
    console: "Console",
    parts: "Parts",
    plan: str,
    who: "Sequence[tuple[str, Policy | None]]",
    today: "Policy",
    mover: Mover | None,
) -> bool:
    """Answers whether all of them are under the rules of today; without a mover it is only said."""
    waiting = [(user, old) for user, old in who if old != today]
    if mover is None or not waiting:
        for user, old in who:
            console.print(f"  {user} is under {_said(old, today)}", highlight=False, soft_wrap=True)
        _close(console, len(waiting))
        return not waiting
    few = asyncio.Semaphore(AT_ONCE)

    async def ask(user: str) -> str:
        async with few:
            return await _asked(parts, user, plan, today, mover)

    ended = Counter(await asyncio.gather(*(ask(user) for user, _ in waiting)))
    told = " · ".join(f"{number:,} {what}" for what, number in sorted(ended.items()))
    console.print(f"  [green]{told}[/], to version {today.version}", highlight=False)
    return not ended.keys() - {"moved", "under them already"}


async def _asked(parts: "Parts", user: str, plan: str, today: "Policy", mover: Mover) -> str:
    """In a word what came of it; what is under way goes on by itself."""
    from lifecycle.intents import MovePolicy, Result
    from workflows.door import Door, Unavailable
    from workflows.operating import ask_for

    door = Door(parts.temporal, parts.settings.temporal_task_queue)
    try:
        intent = MovePolicy(plan, today, mover.by)
        told = replace(mover.act, subject=user, detail={"plan": plan, "version": str(today.version)})
        asked = await ask_for(parts.engine, door, user, intent, told, key=None, deadline=PATIENCE_SECONDS)
    except Unavailable:
        return "waiting for Temporal"
    if asked.outcome is None:
        return "waiting"
    if asked.outcome.result is Result.DONE:
        return "moved"
    return "under them already" if asked.outcome.code == "policy_unchanged" else str(asked.outcome.code)


def _today(parts: "Parts", plan: str) -> "Policy":
    from lifecycle.plans import UnknownPlan

    try:
        return parts.catalogue.plan(plan).policy
    except UnknownPlan as error:
        raise ends_with(str(error)) from None


def _said(old: "Policy | None", today: "Policy") -> str:
    """``version 2: grace_days 14 → 7``"""
    from lifecycle.policy import changed_rules

    if old is None:
        return "rules that are not written down yet"
    if old == today:
        return f"version {old.version}, the rules of today"
    changes = [f"{name} {was} → {now}" for name, (was, now) in changed_rules(old, today).items() if name != "version"]
    return f"version {old.version}: {', '.join(changes) or 'the same rules'} (today: version {today.version})"


def _close(console: "Console", left: int) -> None:
    if left:
        console.print(
            f"  [dim]This was a dry run: nothing was changed. Move {left:,} with --apply.[/]", highlight=False
        )
