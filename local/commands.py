"""The commands that only make sense on one machine; ``cli.py`` adds them when this package is installed."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from local.ports import PORTS


def _port(name: str) -> typer.models.OptionInfo:
    port = PORTS[name]
    option: typer.models.OptionInfo = typer.Option(
        port.option,
        envvar=port.variable,
        show_envvar=False,
        metavar="N",
        help=f"{port.use[0].upper()}{port.use[1:]}; otherwise {port.default}.",
        rich_help_panel="Ports",
    )
    return option


Folder = Annotated[Path, typer.Option(metavar="DIR", help="Where the stack keeps everything it has to remember.")]


def up(
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Only start; do not play the demo.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget everything in the state folder first.")] = False,
    state: Folder = Path(".local"),
    api_port: Annotated[int | None, _port("api")] = None,
    temporal_port: Annotated[int | None, _port("temporal")] = None,
    ui_port: Annotated[int | None, _port("ui")] = None,
    stripe_port: Annotated[int | None, _port("stripe")] = None,
    mail_port: Annotated[int | None, _port("mail")] = None,
    smtp_port: Annotated[int | None, _port("smtp")] = None,
    postgres_port: Annotated[int | None, _port("postgres")] = None,
    redis_port: Annotated[int | None, _port("redis")] = None,
    metrics_port: Annotated[int | None, _port("metrics")] = None,
    worker_metrics_port: Annotated[int | None, _port("worker_metrics")] = None,
    worker_temporal_metrics_port: Annotated[int | None, _port("worker_temporal_metrics")] = None,
) -> None:
    """Run the whole system on this machine until Ctrl-C.

    PostgreSQL, Redis, Temporal with its Web UI, a local Stripe, a mailbox, the API and a worker, all on 127.0.0.1.
    The next run goes on where this one stopped. Addresses and demo sessions are in DIR/stack.json.

    A port that you name is used or refused; a default that is taken moves up to the next free one.
    The environment says it too: --api-port is PERENNIAL_LOCAL_API_PORT, and so on.
    """
    from rich.console import Console

    from local.demo import play
    from local.running import Wishes
    from local.running import up as run

    asked = {
        "api": api_port,
        "temporal": temporal_port,
        "ui": ui_port,
        "stripe": stripe_port,
        "mail": mail_port,
        "smtp": smtp_port,
        "postgres": postgres_port,
        "redis": redis_port,
        "metrics": metrics_port,
        "worker_metrics": worker_metrics_port,
        "worker_temporal_metrics": worker_temporal_metrics_port,
    }
    wishes = Wishes(directory=state, ports=asked, fresh=fresh, story=None if no_demo else play)
    raise typer.Exit(run(wishes, Console()))


def local_stripe(
    port: Annotated[int, typer.Option(metavar="N", help="Where it listens.")] = PORTS["stripe"].default,
    state: Folder = Path(".local/stripe"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget everything first.")] = False,
) -> None:
    """Run the local Stripe alone: Stripe's API on 127.0.0.1 for any key that begins with sk_test_."""
    from settings import ROOT

    command = [sys.executable, "-m", "local.stripe", "--port", str(port), "--state", str(state.resolve())]
    os.chdir(ROOT)
    os.execv(sys.executable, [*command, "--fresh"] if fresh else command)


def demo(state: Folder = Path(".local")) -> None:
    """Play the demo on the running stack: a new customer's life, from trial to farewell, in a minute."""
    from rich.console import Console

    from local.customer import StoryWentWrong
    from local.traveling import NoStack, RunningStack, play_demo

    console = Console()
    try:
        play_demo(RunningStack.described_in(state), console)
    except (NoStack, StoryWentWrong, TimeoutError) as trouble:
        console.print(f"[red]✗[/] {trouble}", highlight=False)
        raise typer.Exit(1) from None


def fast_forward(
    user: Annotated[str, typer.Argument(metavar="USER", help="A demo user (grace) or a user id.")],
    duration: Annotated[str, typer.Argument(metavar="DURATION", help="30d, 12h, 90m, 1d12h …")],
    state: Folder = Path(".local"),
) -> None:
    """Move one customer ahead in time, Stripe's clock and the workflow's together.

    Every deadline on the way is a stop, so that webhooks, timers, letters and access fall where they would in life.
    """
    from rich.console import Console

    from local.time_travel import CannotTravel, parse_duration
    from local.traveling import NoStack, RunningStack
    from local.traveling import fast_forward as travel

    console = Console()
    try:
        stack = RunningStack.described_in(state)
        stops, now = travel(stack, stack.user_id(user), parse_duration(duration))
    except (NoStack, CannotTravel, ValueError, TimeoutError) as trouble:
        console.print(f"[red]✗[/] {trouble}", highlight=False)
        raise typer.Exit(1) from None
    for stop in stops:
        console.print(f"  [dim]{stop:%Y-%m-%d %H:%M}[/]", highlight=False)
    console.print(f"It is {now:%d %B %Y, %H:%M} UTC for {user}.", highlight=False)


def environment(state: Folder = Path(".local")) -> None:
    """Print the running stack's settings for a shell: eval "$(perennial environment)", and operators' commands work.

    It has secrets of this machine. Demo users' ids come along, as $GRACE and so on.
    """
    import shlex

    from local.traveling import NoStack, RunningStack

    try:
        stack = RunningStack.described_in(state)
    except NoStack as trouble:
        typer.echo(f"{trouble}", err=True)
        raise typer.Exit(1) from None
    ours = {name: value for name, value in stack.environment.items() if name.startswith("PERENNIAL_")}
    for name, value in {**ours, **{name.upper(): id for name, id in stack.users.items()}}.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def add_to(app: typer.Typer) -> None:
    """Hook these commands into ``perennial``."""
    panel = "On one machine"
    app.command("up", rich_help_panel=panel)(up)
    app.command("demo", rich_help_panel=panel)(demo)
    app.command("fast-forward", rich_help_panel=panel)(fast_forward)
    app.command("environment", rich_help_panel=panel)(environment)
    app.command("local-stripe", rich_help_panel=panel)(local_stripe)
