"""``perennial timeline``: one customer's whole story, as an operator reads it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.installation import AuditReason, By, connected, ends_with, operators_act

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from database.audit import Act
    from database.stories import Step, Story

COLOURS = {"trialing": "cyan", "active": "green", "past_due": "yellow", "canceled": "red", "unpaid": "red"}
LETTER_COLOURS = {"sent": "green", "pending": "yellow", "skipped": "dim", "failed": "red"}
LAST = ("subscription", "access_before", "access_after", "access_until", "letters")
"""Told in their own way, not as inputs of a rule."""


def timeline(
    user: Annotated[str, typer.Argument(metavar="USER", help="The user's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """Tell what happened to a customer: cause, decision with its inputs, and effect.

    From PostgreSQL alone, so also when Temporal keeps nothing any more. The audit is told who has read it.
    """
    story = asyncio.run(_read(user, operators_act("read_timeline", by, user, audit_reason)))
    if story.subscription is None and not story.steps:
        raise ends_with(f"Nothing is known of {user}.")
    if as_json:
        typer.echo(json.dumps({"user": user, **asdict(story)}, default=_plain, indent=2))
        return
    from rich.console import Console

    console = Console()
    _head(console, user, story.subscription)
    quiet: list[Step] = []
    for step in story.steps:
        if not step.decisions and not step.letters and all(cause.get("status") == "applied" for cause in step.causes):
            quiet.append(step)
            continue
        _told_quietly(console, quiet)
        quiet = []
        _step(console, step)
    _told_quietly(console, quiet)
    console.print()


async def _read(user: str, act: "Act") -> "Story":
    from database.audit import write_act_first
    from database.stories import read_story

    async with connected() as parts:
        await write_act_first(parts.engine, act)
        return await read_story(parts.engine, user)


def _head(console: "Console", user: str, row: Mapping[str, Any] | None) -> None:
    console.print(f"\n  [bold]{user}[/]", highlight=False)
    if row is None:
        console.print("  [dim]no subscription[/]")
        return
    from database.reading import standing_in
    from lifecycle.access import access_at

    found = access_at(standing_in(row), datetime.now(UTC) + timedelta(seconds=row["clock_offset_seconds"]))
    colour = COLOURS.get(row["status"], "white")
    offer = f" · {row['plan']} per {row['interval']}" if row["plan"] else ""
    until = f" until {_moment(found.until)}" if found.until else ""
    access = f"{'access' if found.granted else 'no access'} ({found.reason.replace('_', ' ')}){until}"
    console.print(f"  [{colour}]{row['status']}[/]{offer} · {access}", highlight=False, soft_wrap=True)
    ids = " · ".join(str(row[name]) for name in ("stripe_subscription_id", "stripe_customer_id") if row[name])
    console.print(f"  [dim]{ids}[/]", highlight=False, soft_wrap=True)
    if row["needs_attention"]:
        console.print(f"  [bold red]needs attention:[/] {row['needs_attention']}", highlight=False, soft_wrap=True)


def _step(console: "Console", step: "Step") -> None:
    console.print()
    for number, cause in enumerate(step.causes or [{"kind": "letter", "id": None}]):
        console.print(_cause(cause, step.at if number == 0 else None), soft_wrap=True)
    for decision in step.decisions:
        console.print(_decision(decision), soft_wrap=True)
        for line in _inputs(decision["detail"]):
            console.print(line, soft_wrap=True)
    for letter in step.letters:
        console.print(_letter(letter), soft_wrap=True)


def _cause(cause: Mapping[str, Any], at: datetime | None) -> "Text":
    from rich.text import Text

    line = Text("  ").append(f"{_moment(at):16}" if at else " " * 16, "bold").append("  ")
    line.append(f"{cause['kind']} ", "cyan")
    line.append(
        f"{str(cause.get('what') or '').replace('_', ' ') if cause['kind'] == 'intent' else cause.get('what') or ''}"
    )
    line.append(f" {cause['id'] or ''}", "dim")
    status, code = cause.get("status"), cause.get("code")
    if status not in {None, "applied", "succeeded"}:
        line.append(f" {str(status).replace('_', ' ')}{f': {code}' if code else ''}", "yellow")
    if cause.get("by"):
        line.append(f" by {cause['by']}", "magenta")
    if cause.get("promised_at"):
        line.append(" answered 202", "dim")
    return line


def _decision(decision: Mapping[str, Any]) -> "Text":
    from rich.text import Text

    urgent = decision["entry"] == "needs_attention"
    line = Text(" " * 6).append("→ ", "dim")
    line.append(decision["entry"].replace("_", " "), "bold red" if urgent else "bold")
    before, after = decision["from_status"], decision["to_status"]
    if after and before != after:
        line.append(f"  {before} ", COLOURS.get(before, "dim")).append("→ ", "dim").append(
            after, COLOURS.get(after, "")
        )
    return line


def _inputs(detail: Mapping[str, str]) -> "list[Text]":
    from rich.text import Text

    lines = []
    inputs = Text(" " * 8)
    for name, value in detail.items():
        if name not in LAST:
            inputs.append(f"{name.replace('_', ' ')} ", "dim").append(f"{_input(value)}   ")
    if inputs.plain.strip():
        lines.append(inputs)
    if "access_after" in detail:
        access = (
            Text(" " * 8).append("access ", "dim").append(f"{detail.get('access_before')} → {detail['access_after']}")
        )
        if "access_until" in detail:
            access.append(f" until {_input(detail['access_until'])}")
        lines.append(access)
    return lines


def _letter(letter: Mapping[str, Any]) -> "Text":
    from rich.text import Text

    line = Text(" " * 6).append("✉ ", "magenta").append(letter["kind"].replace("_", " "))
    line.append(f"  {letter['status']}", LETTER_COLOURS.get(letter["status"], ""))
    if letter["sent_at"]:
        line.append(f" {_moment(letter['sent_at'])}", "dim")
    if letter["last_error"]:
        line.append(f" {letter['last_error']}", "red" if letter["status"] == "failed" else "dim")
    return line


def _told_quietly(console: "Console", steps: "list[Step]") -> None:
    if not steps:
        return
    kinds = dict.fromkeys(str(cause["what"]) for step in steps for cause in step.causes if cause.get("what"))
    times = "once" if len(steps) == 1 else f"{len(steps)} times"
    console.print(
        f"\n  [dim]{_moment(steps[0].at)}  looked {times}, nothing new: {', '.join(kinds)}[/]", highlight=False
    )


def _input(value: str) -> str:
    """Moments and amounts as people read them; everything else as it is."""
    from activities.wording import money

    try:
        return _moment(datetime.fromisoformat(value)) if "T" in value and value.endswith("Z") else _money(value, money)
    except ValueError:
        return value


def _money(value: str, money: Any) -> str:
    amount, _, currency = value.partition(" ")
    is_money = amount.lstrip("-").isdigit() and len(currency) == 3 and currency.isalpha() and currency.islower()
    return str(money(int(amount), currency)) if is_money else value


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
