"""The command ``perennial``.

What an installation needs is here; what only a single machine needs comes from the package ``local``, which the
container image does not have.
"""

import importlib.util
import os
import sys
from typing import Annotated

import typer

app = typer.Typer(
    name="perennial",
    help="Subscriptions that live: each Stripe subscription is one durable workflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="rich",
)
plans = typer.Typer(help="The plan catalogue (plans.toml) and its products and prices in Stripe.", no_args_is_help=True)
app.add_typer(plans, name="plans", rich_help_panel="An installation")
if importlib.util.find_spec("local") is not None:
    from local.commands import add_to

    add_to(app)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing when all is well.")]


@app.command(rich_help_panel="An installation")
def migrate(quiet: Quiet = False) -> None:
    """Bring the database's schema up to date; safe to repeat and to run twice at once."""
    from database.session import migrate as bring_up_to_date
    from settings import Settings

    settings = Settings()  # type: ignore[call-arg]  # from the environment
    bring_up_to_date(settings.database_url.get_secret_value())
    if not quiet:
        typer.echo("The schema is up to date.")


@plans.command("push")
def push_plans(quiet: Quiet = False) -> None:
    """Make in Stripe what the catalogue has and Stripe has not; nobody's price changes."""
    import asyncio

    from activities.catalogue import push_catalogue
    from activities.gateway import open_stripe
    from lifecycle.plans import load_catalogue
    from settings import Settings

    async def push(settings: Settings) -> list[str]:
        async with open_stripe(settings) as client:
            return await push_catalogue(client, load_catalogue(settings.plans_file))

    made = asyncio.run(push(Settings()))  # type: ignore[call-arg]  # from the environment
    if not quiet:
        typer.echo("\n".join(f"made {what}" for what in made) or "Stripe has the whole catalogue.")


def main() -> None:
    """Run the command and leave at once: Temporal's native threads can crash an interpreter that takes its time."""
    code = 0
    try:
        app()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
