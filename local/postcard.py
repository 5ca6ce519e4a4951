"""What a person sees when the stack is up: where everything is, and the first requests to try."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.stack import Stack

PLACES = {
    "api_docs": "API, to try in the browser",
    "temporal_ui": "Temporal, each workflow",
    "mailbox": "Mailbox, every letter",
    "stripe": "Local Stripe",
    "api_metrics": "Metrics of the API",
    "worker_metrics": "Metrics of the worker",
    "worker_temporal_metrics": "Metrics of Temporal's SDK",
}


def show(stack: Stack, console: Console) -> None:
    """Print the addresses and ready-to-paste requests of the first demo user."""
    console.print()
    console.print(_places(stack))
    first = stack.people[0]
    console.print(f"[bold]Try it[/] as {first.name} [dim]({first.email})[/]\n", highlight=False)
    for request in requests(stack.addresses["api"], first.token):
        console.print(Text(request, style="cyan"), soft_wrap=True)
        console.print()
    stored = f"Other users' sessions and all addresses: {stack.state.stack_file}"
    console.print(stored, style="dim", markup=False, highlight=False, soft_wrap=True)
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


def _places(stack: Stack) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, title in PLACES.items():
        address = stack.addresses[name]
        table.add_row(title, Text(address, style=f"cyan link {address}"))
    return table
