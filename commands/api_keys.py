"""``perennial api-key``: keys with which your own servers act for a named user."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from commands.installation import AuditReason, By, ends_with, operators_act, read_settings

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncEngine

    from database.api_keys import Scope

app = typer.Typer(help="Keys with which your own servers act for a named user.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, as you will find it in the list.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; repeat it for more.")],
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """Make a key. Its secret is shown once, on a line of its own, and kept nowhere."""
    from database.api_keys import make_api_key

    scopes = _scopes(scope)
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise ends_with("A name has 1 to 100 printable characters.")
    act = operators_act("create_api_key", by, reason=audit_reason)

    async def make() -> tuple[UUID, str]:
        async with _postgres() as engine:
            return await make_api_key(engine, name, scopes, act)

    key_id, secret = asyncio.run(make())
    typer.echo(f"{key_id} may {', '.join(sorted(scopes))}. This is shown only now:", err=True)
    typer.echo(secret)


@app.command("list")
def list_keys() -> None:
    """Every key, the oldest first; never a secret."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from database.api_keys import list_api_keys

    async def read() -> list[tuple[str, ...]]:
        async with _postgres() as engine:
            return [_line(row) for row in await list_api_keys(engine)]

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("Id", "Name", "May", "Made", "By", "Last used", ""):
        table.add_column(column, overflow="fold")
    for line in asyncio.run(read()):
        table.add_row(*line)
    Console().print(table)


@app.command()
def revoke(
    key_id: Annotated[UUID, typer.Argument(metavar="ID", help="The key's id, from the list.")],
    by: By = None,
    audit_reason: AuditReason = None,
) -> None:
    """Make a key worthless: for writes at once, for reads within five seconds."""
    from database.api_keys import revoke_api_key

    act = operators_act("revoke_api_key", by, reason=audit_reason)

    async def end() -> bool:
        async with _postgres() as engine:
            return await revoke_api_key(engine, key_id, act)

    if not asyncio.run(end()):
        raise ends_with("There is no such key, or it was revoked before.")
    typer.echo(f"{key_id} is revoked.")


def _scopes(named: list[str]) -> "set[Scope]":
    from database.api_keys import Scope

    unknown = sorted(set(named) - set(Scope))
    if unknown:
        raise ends_with(f"There is no scope {', '.join(unknown)}; there are {', '.join(Scope)}.")
    return {Scope(one) for one in named}


def _line(key: "Row[Any]") -> tuple[str, ...]:
    used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
    state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
    return str(key.id), key.name, " ".join(key.scopes), f"{key.created_at:%Y-%m-%d}", key.created_by, used, state


@asynccontextmanager
async def _postgres() -> "AsyncIterator[AsyncEngine]":
    from sqlalchemy.exc import SQLAlchemyError

    from database.session import make_engine

    engine = make_engine(read_settings(), application_name="perennial-cli")
    try:
        yield engine
    except SQLAlchemyError as error:
        raise ends_with(f"PostgreSQL: {str(getattr(error, 'orig', error)).splitlines()[0]}") from None
    finally:
        await engine.dispose()
