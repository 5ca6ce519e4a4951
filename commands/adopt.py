"""``perennial import``: adopt subscriptions that Stripe has and we do not; first only say which."""

import asyncio
import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.installation import AuditReason, By, connected, ends_with, operators_act

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import RowMapping

    from commands.installation import Parts
    from database.audit import Act
    from database.importing import Notes

SHOWN = 50
"""Lines of each kind that are printed; a report has them all."""


def adopt(
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Otherwise only say what would be done.")] = False,
    users: Annotated[
        Path | None, typer.Option("--users", metavar="CSV", help="Lines of: Stripe customer id, user id.")
    ] = None,
    by_email: Annotated[
        bool,
        typer.Option("--by-verified-email", help="Where nobody is named, a verified address of one user is enough."),
    ] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="At most so many a second.")] = 20.0,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="CSV", help="Write a line for every subscription.")
    ] = None,
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """Adopt the subscriptions that run at Stripe already: each gets a workflow in the middle of its life.

    Stripe is only read, and customers hear nothing. Whose a subscription is, its metadata or its customer's
    (user_id) says, else the file. What is doubtful is refused with a reason. What is done is left alone, so a run that
    was interrupted is simply repeated.

    Exit code 0: nothing is left to do. 1: something was refused, waits, or was not applied.
    """
    act = operators_act("import", by, reason=audit_reason) if apply else None
    is_complete = asyncio.run(_run(act, read_users(users) if users else {}, by_email, rate, report))
    if not is_complete:
        raise typer.Exit(1)


def read_users(path: Path) -> dict[str, str]:
    """Stripe customer to user, from a file of two columns with or without a heading."""
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ends_with(f"{path} cannot be read: {error}") from None
    mapped: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line]
        if not any(cells) or (number == 1 and not cells[0].startswith("cus_")):
            continue
        if len(cells) != 2 or not cells[0].startswith("cus_") or not cells[1]:
            raise ends_with(f"{path}, line {number}: a Stripe customer id and a user id are needed.")
        if mapped.setdefault(cells[0], cells[1]) != cells[1]:
            raise ends_with(f"{path}, line {number}: {cells[0]} has two users.")
    return mapped


async def _run(act: "Act | None", mapped: Mapping[str, str], by_email: bool, rate: float, report: Path | None) -> bool:
    """Without an act nothing is adopted."""
    from rich.console import Console

    from activities.importing import Survey
    from database.audit import write_act_first
    from database.importing import taking_notes

    console = Console()
    async with connected() as parts, taking_notes(parts.engine) as notes:
        survey = Survey(parts.stripe, parts.engine, parts.catalogue, mapped=mapped, by_address=by_email)
        with console.status("Reading Stripe's subscriptions …") as status:
            seen = 0
            async for page in survey.pages():
                await notes.add(page)
                seen += len(page)
                status.update(f"Reading Stripe's subscriptions … {seen:,}")
            await notes.refuse_several()
        await _print(console, notes, report)
        tally = await notes.tally()
        if act is None:
            _close(console, tally)
            return tally["adoptable"] == tally["refused"] == 0
        await write_act_first(parts.engine, replace(act, detail={"adoptable": str(tally["adoptable"])}))
        waiting = await _apply(console, parts, notes, rate, tally["adoptable"])
        return not waiting and not tally["refused"]


async def _apply(console: "Console", parts: "Parts", notes: "Notes", rate: float, adoptable: int) -> int:
    """Adopts; answers how many are not written down yet."""
    from workflows.importing import Importer

    importer = Importer(parts.engine, parts.temporal, parts.settings.temporal_task_queue, rate=rate)
    done, waiting = 0, list[str]()
    with console.status("Adopting …") as status:
        async for page in importer.adopt(notes):
            done += len(page.adopted)
            waiting += page.waiting
            status.update(f"Adopting … {done:,} of {adoptable:,}")
    console.print(f"\n  [green]{done:,} adopted[/]", highlight=False)
    if waiting:
        some = f"{', '.join(waiting[:5])}{' …' if len(waiting) > 5 else ''}"
        console.print(f"  [yellow]{len(waiting):,} told and not adopted yet[/]: {some}", highlight=False)
        console.print("  [dim]Are workers running? Their workflows go on by themselves, or say why not.[/]")
    return len(waiting)


async def _print(console: "Console", notes: "Notes", report: Path | None) -> None:
    """The difference that an import makes, as a patch reads."""
    shown = {"+": 0, "!": 0}
    file = report.open("w", newline="", encoding="utf-8") if report else None
    lines = csv.writer(file) if file else None
    if lines:
        lines.writerow(["subscription", "customer", "user", "status", "plan", "what", "why"])
    try:
        async for page in notes.pages(500):
            if lines:
                lines.writerows(_cells(row) for row in page)
            for row in page:
                sign = _sign(row)
                if sign in shown:
                    shown[sign] += 1
                    if shown[sign] <= SHOWN:
                        console.print(_line(sign, row), highlight=False, soft_wrap=True)
    finally:
        if file:
            file.close()
    for sign, number in shown.items():
        if number > SHOWN:
            console.print(f"  [dim]{sign} and {number - SHOWN:,} more; --report writes them all[/]", highlight=False)
    tally = await notes.tally()
    console.print(
        f"\n  [green]{tally['adoptable']:,} to adopt[/] · {tally['done']:,} ours already · "
        f"[{'red' if tally['refused'] else 'dim'}]{tally['refused']:,} refused[/] · "
        f"[dim]{tally['foreign']:,} of another product[/]",
        highlight=False,
    )


def _close(console: "Console", tally: Mapping[str, int]) -> None:
    words = "This was a dry run: nothing was changed."
    if tally["adoptable"]:
        words += " Adopt them with --apply."
    console.print(f"  [dim]{words}[/]", highlight=False)


def _sign(row: "RowMapping") -> str:
    if row["is_done"]:
        return "="
    if row["is_foreign"]:
        return "."
    return "!" if row["refusal"] else "+"


def _line(sign: str, row: "RowMapping") -> str:
    if sign == "!":
        return f"  [red]! {row['subscription_id']}[/] {row['refusal']}"
    return f"  [green]+ {row['subscription_id']}[/] {row['user_id']}  {row['offer']}, {row['status']}"


def _cells(row: "RowMapping") -> Sequence[str]:
    what = {"=": "ours already", ".": "another product", "!": "refused", "+": "adopt"}[_sign(row)]
    names = ("subscription_id", "customer_id", "user_id", "status", "offer")
    return [*(row[name] or "" for name in names), what, row["refusal"] or ""]
