"""``perennial reconcile``: compare subscriptions with Stripe now, and say what was found."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from commands.installation import AuditReason, By, connected, ends_with, operators_act

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import RowMapping

    from commands.installation import Parts
    from database.audit import Act
    from workflows.reconciling import Judged

SHOWN = 50
COLOURS = {"agreed": "green", "differs": "yellow", "repaired": "cyan", "needs_person": "red", "unreachable": "magenta"}
MEANINGS = {
    "agreed": "both books say the same",
    "differs": "would be repaired, or shown to a person",
    "repaired": "differed; its workflow has looked, and they agree now",
    "needs_person": "see the reason, mend it, and `perennial acknowledge USER`",
    "unreachable": "its workflow was told and has not answered yet",
}

_FOUND = {
    "looked_at": "looked at",
    "repaired": "repaired",
    "needs_person": "for a person",
    "unreachable": "unreachable",
}


def reconcile(
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="Only this user.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every subscription, ours and Stripe's.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what differs; tell no workflow.")] = False,
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """Compare subscriptions with Stripe; whoever differs is told to look, and what became of it is said.

    Exit code 0: all agree. 1: something differed, also when it was repaired.
    """
    if (user is None) == (not everyone):
        raise ends_with("Name one user with --user, or ask for --all.")
    act = operators_act("reconcile", by, user, audit_reason, dry_run="yes" if dry_run else None)
    tally = asyncio.run(_run(user, act, dry_run))
    if set(tally) - {"agreed"}:
        raise typer.Exit(1)


async def _run(user: str | None, act: "Act", dry_run: bool) -> Counter[str]:
    from rich.console import Console

    from database.audit import write_act_first
    from database.reconciliation import read_last_round

    console, tally, shown = Console(), Counter[str](), list["Judged"]()
    async with connected() as parts:
        await write_act_first(parts.engine, act)
        async for judged in _judged(parts, user, dry_run):
            tally.update(one.verdict.value for one in judged)
            shown += [one for one in judged if one.verdict.value != "agreed"][: SHOWN - len(shown)]
        last = await read_last_round(parts.engine)
    _report(console, tally, shown, last)
    return tally


async def _judged(parts: "Parts", user: str | None, dry_run: bool) -> AsyncIterator[list["Judged"]]:
    from activities.reconciliation import Comparison
    from workflows.reconciling import Reconciler, everything

    comparison = Comparison(parts.stripe, parts.engine, parts.catalogue)
    queue = parts.settings.temporal_task_queue
    reconciler = Reconciler(comparison, parts.engine, parts.temporal, queue, dry_run=dry_run)
    if user is not None:
        findings = await comparison.of_user(user)
        if not findings:
            raise ends_with(f"Neither we nor Stripe have a subscription of {user}.")
        yield await reconciler.judge(findings, "reconciliation/by_hand")
        return
    async for judged in everything(reconciler, parts.engine):
        yield judged


def _report(console: "Console", tally: Counter[str], shown: Sequence["Judged"], last: "RowMapping | None") -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    counts = Table(box=None, show_header=False, pad_edge=True)
    for verdict, colour in COLOURS.items():
        if tally[verdict] or verdict == "agreed":
            counts.add_row(
                Text(verdict.replace("_", " "), colour), f"{tally[verdict]:,}", Text(MEANINGS[verdict], "dim")
            )
    console.print(f"\n  [bold]{tally.total():,} compared with Stripe[/]", highlight=False)
    console.print(counts)
    if shown:
        table = Table(box=box.SIMPLE_HEAD)
        for column in ("User", "Subscription", "What differs", ""):
            table.add_column(column, overflow="fold")
        for one in shown:
            found, verdict = one.finding, one.verdict.value
            what = Text(", ".join(name.replace("_", " ") for name in found.differs))
            if found.flagged:
                what.append(f"\n{found.flagged}", "dim")
            state = Text(verdict.replace("_", " "), COLOURS[verdict])
            table.add_row(found.user_id, found.subscription_id or "", what, state)
        console.print(table)
        rest = tally.total() - tally["agreed"] - len(shown)
        if rest > 0:
            console.print(f"  [dim]and {rest:,} more: billing.reconciliations keeps them[/]", highlight=False)
    console.print(f"  {_freshness(last)}\n", highlight=False)


def _freshness(last: "RowMapping | None") -> str:
    if last is None:
        return "[yellow]No round through all subscriptions has been finished yet.[/]"
    age = datetime.now(UTC) - last["finished_at"]
    hours = age.total_seconds() / 3600
    ago = f"{hours:.0f} hours ago" if hours >= 2 else f"{age.total_seconds() / 60:.0f} minutes ago"
    found = ", ".join(f"{last[name]:,} {words}" for name, words in _FOUND.items())
    return f"[dim]All were last compared {ago} ({last['finished_at']:%Y-%m-%d %H:%M} UTC): {found}.[/]"
