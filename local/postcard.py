"""What a person sees when the stack is up: where everything is, and the first requests to try."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from local.betterauth import SignedInUser

PLACES = {
    "api_docs": "API, to try in the browser",
    "temporal_ui": "Temporal, each workflow",
    "mailbox": "Mailbox, every letter",
    "stripe": "Local Stripe",
    "api_metrics": "Metrics of the API",
    "worker_metrics": "Metrics of the worker",
    "worker_temporal_metrics": "Metrics of Temporal's SDK",
}


def show(addresses: Mapping[str, str], user: "SignedInUser", console: Console) -> None:
    """Print the addresses and ready-to-paste requests of this user."""
    _print(console, "")
    console.print(_places(addresses))
    _print(console, "")
    console.print(f"  [bold]Try it[/] as {user.name} [dim]({user.email})[/]", highlight=False)
    for request in requests(addresses["api"], user.token):
        _print(console, f"\n{indent(request, '  ')}", style="cyan")


def farewell(stored: Path, console: Console) -> None:
    """Print where to look for more, and how it ends."""
    _print(console, f"\n  Other users' sessions and all addresses: {stored}", style="dim")
    _print(console, "  Ctrl-C stops everything.", style="dim")


def requests(api: str, token: str) -> list[str]:
    """``curl`` lines that work when pasted as they are, each on its own."""
    mine = f"  -H 'Authorization: Bearer {token}'"
    return [
        f"curl -s {api}/billing/plans",
        f"curl -s -X POST {api}/billing/subscriptions \\\n{mine} \\\n"
        "  -H 'Idempotency-Key: first-subscription' -H 'Content-Type: application/json' \\\n"
        """  -d '{"plan": "BASIC", "interval": "month", "payment_method": "pm_card_visa"}'""",
        f"curl -s {api}/billing/subscriptions/me \\\n{mine}",
    ]


def _places(addresses: Mapping[str, str]) -> Padding:
    table = Table.grid(padding=(0, 3, 0, 0))
    for name, title in PLACES.items():
        address = Text()
        address.append(addresses[name], style=f"cyan link {addresses[name]}")
        table.add_row(Text(title, style="bold"), address)
    return Padding(table, (0, 0, 0, 2))


def _print(console: Console, words: str, style: str | None = None) -> None:
    """As it is: to be copied, so never wrapped, coloured or interpreted."""
    console.print(words, style=style, markup=False, highlight=False, soft_wrap=True)
