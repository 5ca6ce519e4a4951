"""Writes that took longer than their request: how they ended."""

from uuid import UUID

from fastapi import APIRouter

from api.auth import OperationReaderIn
from api.contract import OF_A_CALLER, READS, problems
from api.parts import PartsIn
from api.problems import Problem
from api.views import OperationView
from database.operations import Operation, find_operation

router = APIRouter(
    prefix="/billing/operations",
    tags=["Operations"],
    responses=problems(*READS, "not_found", "invalid_request"),
)


@router.get("/{operation_id}", openapi_extra={"security": OF_A_CALLER}, summary="Ask how a write ended")
async def read_operation(operation_id: UUID, caller: OperationReaderIn, parts: PartsIn) -> OperationView:
    """One of the caller's own writes: pending, or how it ended."""
    operation = await find_operation(parts.engine, caller.user_id, operation_id)
    if operation is None:
        raise Problem("not_found", "There is no such operation of yours.")
    return view_operation(operation)


def view_operation(operation: Operation) -> OperationView:
    """An operation without its answer, which only the write itself repeats."""
    result = operation.result or {}
    return OperationView(
        id=operation.id,
        kind=operation.kind,
        status=operation.status,
        code=result.get("code"),
        detail=result.get("detail"),
        created_at=operation.created_at,
        completed_at=operation.completed_at,
    )
