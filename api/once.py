"""A write that PostgreSQL alone carries out, under its Idempotency-Key: done once, answered the same every time."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

import telemetry
from api.asking import Write, begin
from api.parts import Parts
from api.problems import Problem
from database.operations import Operation, complete_operation
from lifecycle.intents import Outcome, Result

Answer = tuple[int, dict[str, Any]]
NO_CONTENT = 204


async def once(parts: Parts, write: Write, change: Callable[[], Awaitable[Answer]]) -> Response:
    """The status and body of ``change``, which must change nothing when it is repeated.

    Without a key nothing is remembered, unless somebody else acts for the user: the audit is told of that. With one, a
    refusal is remembered like a success.
    """
    operation = await begin(parts, write) if write.key or write.act else None
    if operation is not None and not operation.is_pending:
        return _again(operation)
    try:
        status, body = await change()
    except Problem as problem:
        telemetry.OPERATIONS.labels(write.kind, Result.REFUSED.value).inc()
        if operation is not None:
            refusal = asdict(Outcome(Result.REFUSED, problem.code, problem.detail)) | {"errors": problem.errors}
            await complete_operation(parts.engine, operation.id, "refused", refusal)
        raise
    telemetry.OPERATIONS.labels(write.kind, Result.DONE.value).inc()
    if operation is not None:
        done = {"result": Result.DONE.value, "status": status}
        await complete_operation(parts.engine, operation.id, "succeeded", done, body)
    return _shown(status, body)


def _again(operation: Operation) -> Response:
    """What was answered under this key before."""
    result = operation.result or {}
    if result.get("result") == Result.REFUSED.value:
        raise Problem(result["code"], result.get("detail"), errors=result.get("errors", ()))
    return _shown(int(result.get("status", NO_CONTENT)), operation.answer or {})


def _shown(status: int, body: dict[str, Any]) -> Response:
    return Response(status_code=status) if status == NO_CONTENT else JSONResponse(body, status)
