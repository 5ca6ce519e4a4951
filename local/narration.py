"""How the demo tells its story: what happened, where the customer stands now, and which letters came."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

COLOURS = {"trialing": "cyan", "active": "green", "past_due": "yellow", "canceled": "red", "unpaid": "red"}


class Narrator:
    """Prints the story as it happens."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, name: str, email: str) -> None:
        """Who this is about."""
        self._console.print()
        self._console.print(f"[bold]A customer's life, in a minute[/] [dim]{name}, {email}[/]", highlight=False)

    def time_passes(self, duration: str, now: datetime) -> None:
        """The customer's clock has moved."""
        self._console.print()
        self._console.print(f"  [dim]… {duration} later, {now:%d %B %Y}[/]", highlight=False)

    def tell(self, what: str, stands: Mapping[str, Any], letters: Sequence[str] = ()) -> None:
        """One step, with the state as the API tells it."""
        self._console.print()
        self._console.print(f"  [bold]{what}[/]", highlight=False)
        self._console.print(Text("    ").append_text(_standing(stands)))
        for subject in letters:
            self._console.print(Text("    ✉ ", style="magenta").append(subject, style="italic"))

    def end(self, entries: Sequence[Mapping[str, Any]], workflow: str, mailbox: str) -> None:
        """The timeline as the customer can read it, and where an operator looks."""
        table = Table(box=box.SIMPLE_HEAD, title="The timeline of this customer", title_justify="left")
        for column in ("When", "What", "Because of", "Now"):
            table.add_column(column, no_wrap=True)
        for entry in entries:
            status = entry["to_status"] or ""
            table.add_row(
                str(entry["at"])[:16].replace("T", " "),
                str(entry["entry"]).replace("_", " "),
                str(entry["cause"]),
                Text(status, style=COLOURS.get(status, "")),
            )
        self._console.print()
        self._console.print(table)
        self._console.print(f"  Workflow in Temporal  [cyan]{workflow}[/]", highlight=False, soft_wrap=True)
        self._console.print(f"  Letters               [cyan]{mailbox}[/]", highlight=False, soft_wrap=True)


def _standing(stands: Mapping[str, Any]) -> Text:
    status = str(stands["status"])
    line = Text().append(status, style=f"bold {COLOURS.get(status, '')}")
    line.append(f" · {stands['plan']} per {stands['interval']}", style="")
    access = stands["access"]
    line.append(" · access" if access["granted"] else " · no access", style="green" if access["granted"] else "red")
    for label, moment in _moments(stands):
        line.append(f" · {label} {moment[:10]}", style="dim")
    return line


def _moments(stands: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The one or two dates that matter in this state."""
    match stands["status"]:
        case "trialing":
            dates = [("trial ends", stands["trial_ends_at"])]
        case "past_due":
            dates = [("grace ends", stands["grace_ends_at"])]
        case "canceled":
            dates = [("ended", stands["ended_at"])]
        case _ if stands["cancel_at"]:
            dates = [("ends", stands["cancel_at"])]
        case _:
            dates = [("renews", stands["current_period_ends_at"])]
    return [(label, str(moment)) for label, moment in dates if moment]
