"""What a person sees when the stack is up: where everything is, and the first requests to try."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
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
    console.print()
    console.print(_places(addresses))
    console.print(f"[bold]Try it[/] as {user.name} [dim]({user.email})[/]\n", highlight=False)
    for request in requests(addresses["api"], user.token):
        console.print(Text(request, style="cyan"), soft_wrap=True)
        console.print()


def farewell(stored: Path, console: Console) -> None:
    """Print where to look for more, and how it ends."""
    words = f"Other users' sessions and all addresses: {stored}"
    console.print(words, style="dim", markup=False, highlight=False, soft_wrap=True)
    console.print("Ctrl-C stops everything.", style="dim")


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


def _places(addresses: Mapping[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, title in PLACES.items():
        address = addresses[name]
        table.add_row(title, Text(address, style=f"cyan link {address}"))
    return table
