"""``perennial doctor``: is this installation fit for customers and money, all of it at once and in plain words."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from commands.findings import Finding, Verdict

if TYPE_CHECKING:
    from rich.console import Console

MARKS = {Verdict.OK: ("green", "✓"), Verdict.WARN: ("yellow", "!"), Verdict.FAIL: ("bold red", "✗")}


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Judge the settings only; ask nobody.")] = False,
) -> None:
    """Examine the settings and everything that they lead to, and say what to do.

    Nothing is changed and no secret is shown. Exit code 0: nothing fails. 1: something does.
    """
    from rich.console import Console

    from commands.settings_examined import examine_settings

    settings, found = examine_settings()
    if settings is not None and not offline:
        from commands.reaching import examine_parts

        found += asyncio.run(examine_parts(settings))
    _print(Console(), found, offline)
    if any(one.verdict is Verdict.FAIL for one in found):
        raise typer.Exit(1)


def _print(console: "Console", found: Sequence[Finding], offline: bool) -> None:
    """A line each under the name of its part; what to do stands below, where it is needed."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1, 0, 0))
    part = None
    for one in found:
        colour, mark = MARKS[one.verdict]
        words = Text(one.words)
        if one.remedy:
            words.append(f"\n→ {one.remedy}", "cyan")
        table.add_row(
            "", Text("" if one.part == part else one.part, "bold"), Text(f"{mark} {one.verdict}", colour), words
        )
        part = one.part
    console.print()
    console.print(table)
    counts = Counter(one.verdict for one in found)
    console.print(
        f"\n  {_summary(counts)}{'  [dim]Nobody was asked (--offline).[/]' if offline else ''}\n", highlight=False
    )


def _summary(counts: Counter[Verdict]) -> str:
    if counts[Verdict.FAIL]:
        many = "thing fails" if counts[Verdict.FAIL] == 1 else "things fail"
        return f"[bold red]{counts[Verdict.FAIL]} {many}[/], {counts[Verdict.WARN]} to know of."
    if counts[Verdict.WARN]:
        return f"[yellow]Fit, with {counts[Verdict.WARN]} to know of.[/]"
    return "[green]All is well.[/]"
