"""A write and its Idempotency-Key: carried out once, answered the same every time."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import orjson
import structlog
from fastapi import Request
from fastapi.responses import JSONResponse

import telemetry
from api.auditing import act_for
from api.callers import Caller
from api.holding import BEYOND_THE_DEADLINE_SECONDS, Hold
from api.parts import Parts
from api.problems import Problem
from api.views import OperationView, view_subscription
from database.audit import Act
from database.operations import Operation, begin_operation, find_ended, refuse_operation, remember_answer
from database.promises import promise
from database.reading import read_subscription
from lifecycle import intents
from lifecycle.intents import Intent, Outcome, Result
from lifecycle.refusals import Refusal
from workflows.promises import ask_once

ACCEPTED = 202


@dataclass(frozen=True)
class Write:
    """One write of a caller: who, what kind, under which key, and what exactly was asked."""

    user_id: str
    kind: str
    key: str | None
    fingerprint: str
    show: "Show | None" = None
    actor: str | None = None
    act: Act | None = None
    """What the audit is told when it is begun; None: the caller's own affair."""
    hold: Hold = field(default_factory=Hold, compare=False)


Show = Callable[[Parts, str, UUID], Awaitable[dict[str, Any]]]
"""Reads what is answered when it is done; without one, that is the subscription as it stands."""


def operators_key(operator: Caller, key: str | None) -> str | None:
    """A name of the operator's own: the space keeps it apart from whatever the user calls theirs."""
    return f"admin {operator.user_id} {key}" if key else None


def describe_write(request: Request, user_id: str, kind: str, key: str | None, asked: dict[str, Any]) -> Write:
    """``asked`` is the validated body, so that spelling (spaces, case of a plan) does not make another request.

    A server's keys are names of its own: they never meet those of its user.
    """
    caller: Caller = request.state.caller
    if key and caller.api_key:
        key = f"api_key {caller.api_key} {key}"
    text = orjson.dumps([request.method, request.url.path, asked], option=orjson.OPT_SORT_KEYS)
    act = act_for(caller, user_id, kind)
    fingerprint = hashlib.sha256(text).hexdigest()
    return Write(user_id, kind, key, fingerprint, actor=caller.actor_for(user_id), act=act, hold=request.state.hold)


async def begin(parts: Parts, write: Write) -> Operation:
    """The operation of this write, new or known.

    Raises a problem when its key was used for something else, or another request is at work on it now.
    """
    named = (write.user_id, write.key, write.kind, write.fingerprint)
    busy = parts.settings.request_deadline_seconds + BEYOND_THE_DEADLINE_SECONDS
    operation = await begin_operation(parts.engine, *named, actor=write.actor, act=write.act, busy_seconds=busy)
    structlog.contextvars.bind_contextvars(operation_id=str(operation.id))
    if operation.fingerprint != write.fingerprint:
        raise Problem(
            "idempotency_key_reused",
            "This Idempotency-Key was used for a different request; use a new one.",
            errors=[{"field": "Idempotency-Key", "reason": "was used for a different request"}],
        )
    if operation.is_pending and not operation.is_ours:
        raise Problem("request_in_flight", "A request with this key is being worked on; ask again in a moment.")
    write.hold.operation_id = operation.id if operation.is_pending else None
    return operation


async def carry_out(
    parts: Parts, write: Write, intent: Intent, *, status: int = 200, operation: Operation | None = None
) -> JSONResponse:
    """Ask the customer's workflow, or repeat what it answered before; ``status`` is that of success.

    ``operation`` is that of the write when it was begun before.

    A key whose operation is still pending after its request has ended joins it: the workflow knows the operation's name
    and does it once.
    """
    operation = operation or await begin(parts, write)
    outcome = _stored(operation) or await _ask(parts, write, operation, intent)
    await parts.cache.changed(write.user_id)
    if outcome is None:
        await promise(parts.engine, operation.id, intent)
        telemetry.OPERATIONS.labels(write.kind, "pending").inc()
        return _accepted(operation)
    return await _answer(parts, write, operation, outcome, status)


async def ended_before(parts: Parts, write: Write) -> Operation | None:
    """The operation of a request that is sent again: asked before anything that may have changed since is checked."""
    return await find_ended(parts.engine, write.user_id, write.key, write.fingerprint) if write.key else None


async def answered_before(parts: Parts, write: Write, *, status: int = 200) -> JSONResponse | None:
    """What a request that is sent again was answered the first time, if it has ended."""
    operation = await ended_before(parts, write)
    outcome = _stored(operation) if operation else None
    return await _answer(parts, write, operation, outcome, status) if operation and outcome else None


async def _answer(parts: Parts, write: Write, operation: Operation, outcome: Outcome, status: int) -> JSONResponse:
    telemetry.OPERATIONS.labels(write.kind, outcome.result.value).inc()
    if outcome.result is not Result.DONE:
        raise await _problem_of(parts, write, outcome)
    show = write.show or _fresh
    body = operation.answer or await show(parts, write.user_id, operation.id)
    if operation.answer is None:
        await remember_answer(parts.engine, operation.id, body)
    return JSONResponse(body, status)


async def refuse(parts: Parts, operation: Operation, refusal: Refusal) -> Outcome:
    """Close an operation that does not fit without asking its workflow."""
    return await refuse_operation(parts.engine, operation.id, refusal)


def refused(outcome: Outcome) -> Problem:
    """A refusal as a problem."""
    return Problem(outcome.code or "invalid_request", outcome.detail)


async def _ask(parts: Parts, write: Write, operation: Operation, intent: Intent) -> Outcome | None:
    request = intents.Request(operation_id=str(operation.id), intent=intent)
    deadline = parts.settings.request_deadline_seconds
    return await ask_once(parts.outside.door, parts.engine, write.user_id, request, deadline)


async def _problem_of(parts: Parts, write: Write, outcome: Outcome) -> Problem:
    match outcome.result:
        case Result.REFUSED:
            return refused(outcome)
        case Result.DECLINED:
            detail = outcome.detail or "The bank declined the payment; use another card or ask your bank."
            return Problem("payment_declined", detail, code=outcome.code or "card_declined")
        case Result.ACTION_REQUIRED:
            return await _action_required(parts, write, outcome)
    return Problem("payment_provider_refused", "The payment provider refused this; we have been told.")


async def _action_required(parts: Parts, write: Write, outcome: Outcome) -> Problem:
    """What confirms the payment is asked of Stripe each time: it is never stored, and it may be done meanwhile."""
    action = await parts.outside.pages.required_action(write.user_id)
    detail = outcome.detail or "Your bank wants you to confirm this payment."
    return Problem("action_required", detail, required_action=asdict(action) if action else None)


def _stored(operation: Operation) -> Outcome | None:
    result = operation.result
    if operation.is_pending or result is None:
        return None
    return Outcome(Result(result["result"]), result.get("code"), result.get("detail"))


async def _fresh(parts: Parts, user_id: str, _: UUID) -> dict[str, Any]:
    """The subscription as it stands now; the workflow saved it before it answered."""
    row = await read_subscription(parts.engine, user_id)
    if row is None or row["status"] is None:
        raise Problem("no_subscription", "There is no subscription.")
    return view_subscription(row, parts.customer_now(row["clock_offset_seconds"])).model_dump(mode="json")


def _accepted(operation: Operation) -> JSONResponse:
    pending = OperationView(
        id=operation.id, kind=operation.kind, status="pending", created_at=operation.created_at
    ).model_dump(mode="json")
    return JSONResponse(pending, ACCEPTED, {"Location": address_of(operation.id), "Retry-After": "2"})


def address_of(operation_id: UUID) -> str:
    """Where an operation can be asked for."""
    return f"/billing/operations/{operation_id}"
