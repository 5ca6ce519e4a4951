"""``perennial audit``: who did what with other people's subscriptions, and why."""

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from commands.installation import By, connected, operators_act

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from database.audit import Act


def audit(
    user: Annotated[str | None, typer.Argument(metavar="USER", help="Only acts about this user.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only acts of this user id, API key or cli:OPERATOR.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
    by: By = None,
) -> None:
    """List privileged acts: refunds, moved trials and policies, forgetting, imports, reads. Reading it is one, too."""
    act = operators_act("read_audit", by, user, actor=actor)
    for row in asyncio.run(_read(act, user, actor, limit)):
        typer.echo(json.dumps(dict(row), default=str) if as_json else _line(row))


async def _read(act: "Act", user: str | None, actor: str | None, limit: int) -> "Sequence[RowMapping]":
    from database.audit import read_audit, write_act_first

    async with connected() as parts:
        rows = await read_audit(parts.engine, subject=user, actor=actor, limit=limit)
        await write_act_first(parts.engine, act)
        return rows


def _line(row: "RowMapping") -> str:
    detail = " ".join(f"{name} {value}" for name, value in row["detail"].items())
    about = f" {row['subject']}" if row["subject"] else ""
    because = f"  ({row['reason']})" if row["reason"] else ""
    return f"{row['at']:%Y-%m-%d %H:%M}  {row['actor']}  {row['act']}{about}  {detail}{because}".rstrip()
