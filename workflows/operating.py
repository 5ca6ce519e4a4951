"""Operators' commands: intents like everybody's, under an operation that is promised before it is asked.

A command that is interrupted, or that Stripe keeps waiting, is taken up by the sweep.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from database.administration import read_refund
from database.audit import Act
from database.operations import begin_operation
from database.promises import promise
from database.session import make_engine
from lifecycle.intents import Intent, Outcome, Request, Result
from settings import Settings
from workflows.connection import CLI, connect
from workflows.door import Door
from workflows.promises import Door as AnyDoor
from workflows.promises import ask_once

PATIENCE_SECONDS = 30.0


class AnotherIntent(Exception):
    """The key names an operation that was something else."""


@dataclass(frozen=True)
class Asked:
    """The operation, and how it ended; None: it goes on. ``refund`` is what was given back, if that was asked for."""

    operation_id: UUID
    outcome: Outcome | None
    refund: dict[str, Any] | None = None


async def command(settings: Settings, user_id: str, intent: Intent, key: str | None, act: Act) -> Asked:
    """What a command of ``perennial`` does: connect, ask, and wait for a while. Raises also `Unavailable`."""
    engine = make_engine(settings, application_name="perennial-cli")
    try:
        door = Door(await connect(settings, identity=CLI), settings.temporal_task_queue)
        asked = await ask_for(engine, door, user_id, intent, act, key=key, deadline=PATIENCE_SECONDS)
        if intent.kind == "refund" and asked.outcome:
            return replace(asked, refund=await read_refund(engine, user_id, asked.operation_id))
        return asked
    finally:
        await engine.dispose()


async def ask_for(
    engine: AsyncEngine, door: AnyDoor, user_id: str, intent: Intent, act: Act, *, key: str | None, deadline: float
) -> Asked:
    """Carry out an operator's intent for a user, once under its key, and write the act down; raises `AnotherIntent`."""
    fingerprint = hashlib.sha256(orjson.dumps([user_id, intent], option=orjson.OPT_SORT_KEYS)).hexdigest()
    named = f"operator:{key}" if key else None
    operation = await begin_operation(engine, user_id, named, intent.kind, fingerprint, act=act)
    if operation.fingerprint != fingerprint:
        raise AnotherIntent(key)
    if not operation.is_pending and operation.result:
        known = operation.result
        return Asked(operation.id, Outcome(Result(known["result"]), known.get("code"), known.get("detail")))
    await promise(engine, operation.id, intent)
    request = Request(str(operation.id), intent)
    return Asked(operation.id, await ask_once(door, engine, user_id, request, deadline))
