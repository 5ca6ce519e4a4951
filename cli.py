"""The command ``perennial``.

What an installation needs is here; what only a single machine needs comes from the package ``local``, which the
container image does not have.
"""

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from commands import add_commands
from commands.installation import AuditReason, By, connected, operators_act
from commands.installation import ends_with as _ends_with
from commands.installation import read_settings as _settings

if TYPE_CHECKING:
    from database.audit import Act
    from lifecycle.intents import Intent
    from workflows.operating import Asked

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
add_commands(app)
if importlib.util.find_spec("local") is not None:
    from local.commands import add_to

    add_to(app)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing when all is well.")]


@app.command(rich_help_panel="An installation")
def migrate(quiet: Quiet = False) -> None:
    """Bring the database's schema up to date, and give the service's role its rights; safe to repeat.

    Run it as the role that owns the schema: PERENNIAL_DATABASE_URL is that one's here, and the service's elsewhere.
    """
    from sqlalchemy.exc import OperationalError

    from database.session import migrate as bring_up_to_date

    settings = _settings()
    try:
        notes = bring_up_to_date(settings.database_url.get_secret_value(), settings.database_service_role)
    except OperationalError as error:
        raise _ends_with(f"PostgreSQL: {str(error.orig).splitlines()[0]}") from None
    except RuntimeError as error:
        raise _ends_with(str(error)) from None
    role = settings.database_service_role
    for note in notes if notes is not None else [f"There is no role {role}; whoever connects has its own rights only."]:
        typer.echo(note, err=True)
    if not quiet:
        typer.echo("The schema is up to date.")


@app.command("codec-server", rich_help_panel="An installation")
def codec_server(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8081,
    host: Annotated[str, typer.Option(help="Beyond this machine it needs PERENNIAL_CODEC_TOKEN.")] = "127.0.0.1",
) -> None:
    """Let Temporal's Web UI and CLI read what PERENNIAL_PAYLOAD_KEYS encrypted, until stopped."""
    import uvicorn

    import telemetry
    from api.codec_server import NotSafe, create_codec_server

    settings = _settings()
    try:
        server = create_codec_server(settings, host)
    except NotSafe as error:
        raise _ends_with(str(error)) from None
    telemetry.set_up_logging(settings)
    uvicorn.run(server, host=host, port=port, log_config=None, access_log=False, server_header=False)


@plans.command("push")
def push_plans(quiet: Quiet = False, by: By = None, audit_reason: AuditReason = None) -> None:
    """Make in Stripe what the catalogue has and Stripe has not; nobody's price changes."""
    import asyncio

    from activities.catalogue import push_catalogue
    from database.audit import write_act_first

    act = operators_act("push_plans", by, reason=audit_reason)

    async def push() -> list[str]:
        async with connected() as parts:
            await write_act_first(parts.engine, act)
            return await push_catalogue(parts.stripe, parts.catalogue)

    made = asyncio.run(push())
    if not quiet:
        typer.echo("\n".join(f"made {what}" for what in made) or "Stripe has the whole catalogue.")


@app.command(rich_help_panel="One customer")
def refund(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    invoice: Annotated[str | None, typer.Option(help="Which paid invoice; else the last payment.")] = None,
    amount: Annotated[int | None, typer.Option(min=1, help="In minor units; else all that is left.")] = None,
    reason: Annotated[str | None, typer.Option(help="duplicate | fraudulent | requested_by_customer")] = None,
    key: Annotated[str | None, typer.Option(help="The same key again gives nothing back a second time.")] = None,
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """Give a payment back, all of it or a part; the subscription goes on."""
    from lifecycle.intents import RefundPayment, RefundReason

    if reason is not None and reason not in set(RefundReason):
        raise _ends_with(f"--reason is one of {', '.join(RefundReason)}.")
    intent = RefundPayment(amount, invoice, RefundReason(reason) if reason else None, by or "cli")
    act = operators_act("refund", by, user, audit_reason, amount=amount, invoice=invoice, why=reason)
    asked = _ask(user, intent, key, act)
    made = asked.refund or {}
    typer.echo(f"{made['refund']}: {made['amount']} {made['currency']} in minor units of {made['charge']} go back.")


@app.command(rich_help_panel="One customer")
def forget(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; there is no way back.")] = False,
    key: Annotated[str | None, typer.Option(help="A name for this request.")] = None,
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """End everything in Stripe at once, then forget the user; invoices stay at Stripe."""
    from lifecycle.intents import Forget

    if not yes:
        typer.confirm(f"End every subscription of {user} now and forget them?", abort=True)
    _ask(user, Forget(by or "cli"), key, operators_act("forget", by, user, audit_reason))
    typer.echo("Forgotten: nothing is charged any more, and nothing personal is left here.")


def _ask(user: str, intent: "Intent", key: str | None, act: "Act") -> "Asked":
    """An operator's intent through the user's workflow; ends the program unless it was carried out."""
    import asyncio

    from sqlalchemy.exc import SQLAlchemyError

    from lifecycle.intents import Result
    from workflows.door import Unavailable
    from workflows.operating import AnotherIntent, command

    settings = _settings()
    try:
        asked = asyncio.run(command(settings, user, intent, key, act))
    except AnotherIntent:
        raise _ends_with("This key was used for something else; take another one.") from None
    except (Unavailable, RuntimeError):
        raise _ends_with("Temporal does not answer. If the operation was begun, the sweep carries it out.") from None
    except SQLAlchemyError as error:
        raise _ends_with(f"PostgreSQL does not answer ({type(error).__name__}); nothing was begun.") from None
    if asked.outcome is None:
        raise _ends_with(f"Not finished yet; it goes on by itself as operation {asked.operation_id}.")
    if asked.outcome.result is not Result.DONE:
        raise _ends_with(f"{asked.outcome.code}: {asked.outcome.detail}")
    return asked


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
