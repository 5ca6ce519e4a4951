"""What every command needs: the settings, the parts, and a short word when something is missing or away."""

import getpass
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine
    from temporalio.client import Client

    from activities.gateway import Stripe
    from database.audit import Act
    from lifecycle.plans import Catalogue
    from settings import Settings


@dataclass(frozen=True)
class Parts:
    """The clients of one installation."""

    settings: "Settings"
    engine: "AsyncEngine"
    stripe: "Stripe"
    temporal: "Client"
    catalogue: "Catalogue"


def read_settings() -> "Settings":
    """The installation's settings; what is missing or wrong is said by its name, never with its value."""
    from pydantic import ValidationError

    from settings import Settings

    try:
        return Settings()  # type: ignore[call-arg]  # from the environment
    except ValidationError as invalid:
        faults = invalid.errors(include_input=False, include_url=False)
    lines = [f"  {' '.join(f'PERENNIAL_{part}:'.upper() for part in fault['loc'])} {fault['msg']}" for fault in faults]
    raise ends_with("\n".join(["The environment does not describe an installation:", *lines]))


By = Annotated[str | None, typer.Option(help="Your id, for timeline and audit; else your name on this machine.")]
AuditReason = Annotated[
    str | None, typer.Option(help="Why, for the audit: a ticket, not a name or an address. It is kept for good.")
]


def operators_act(
    name: str, by: str | None, subject: str | None = None, reason: str | None = None, **detail: object
) -> "Act":
    """What an operator does by command, as the audit is told; of ``detail`` only what is known is kept."""
    from database.audit import LONGEST_REASON, Act

    if by is not None and not re.fullmatch(r"[!-?A-~]{1,255}", by):
        raise ends_with("--by is an id without spaces, not an e-mail address: it is kept for good.")
    if reason is not None and not (0 < len(reason) <= LONGEST_REASON and reason.isprintable()):
        raise ends_with(f"--audit-reason is a line of at most {LONGEST_REASON} characters.")
    kept = {key: str(value) for key, value in detail.items() if value is not None}
    return Act(f"cli:{by or getpass.getuser()}", name, subject, reason, kept)


@asynccontextmanager
async def connected() -> AsyncIterator[Parts]:
    """Every part, or a word on the one that is away and exit code 1."""
    from sqlalchemy.exc import SQLAlchemyError
    from temporalio.service import RPCError

    from activities.gateway import StripeAway, StripeRefused, open_stripe
    from database.session import make_engine
    from lifecycle.plans import InvalidCatalogue, load_catalogue
    from workflows.connection import CLI, connect

    settings = read_settings()
    engine = make_engine(settings, application_name="perennial-cli")
    try:
        async with open_stripe(settings) as stripe_client:
            client = await connect(settings, lazy=True, identity=CLI)
            yield Parts(settings, engine, stripe_client, client, load_catalogue(settings.plans_file))
    except typer.Exit:  # a RuntimeError, too
        raise
    except StripeAway as error:
        raise ends_with(f"Stripe is away: {error}") from None
    except StripeRefused as error:
        raise ends_with(f"Stripe refused: {error}") from None
    except RPCError as error:
        raise ends_with(f"Temporal is away: {error.status.name}") from None
    except RuntimeError as error:  # so says the SDK when it cannot connect
        raise ends_with(f"Temporal is away: {str(error).splitlines()[0][:200]}") from None
    except SQLAlchemyError as error:
        raise ends_with(f"PostgreSQL: {str(getattr(error, 'orig', error)).splitlines()[0]}") from None
    except InvalidCatalogue as error:
        raise ends_with(f"{settings.plans_file} is not a catalogue: {error}") from None
    finally:
        await engine.dispose()


def ends_with(words: str) -> typer.Exit:
    """Say it on stderr, and leave with 1."""
    typer.echo(words, err=True)
    return typer.Exit(1)
