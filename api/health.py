"""For whoever runs this: is the process alive, and what does it reach."""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Depends, Response
from sqlalchemy.exc import SQLAlchemyError

from api.auth import whoever_runs_this
from api.contract import Responses, answers_with, problems
from api.parts import Parts, PartsIn
from api.views import HealthView
from database.reading import read_schema_version

router = APIRouter(tags=["Health"], dependencies=[Depends(whoever_runs_this)])

PATIENCE_SECONDS = 3.0
AWAY = 503
NOT_READY: Responses = {AWAY: answers_with("Something is away; `checks` says what", HealthView)}


@router.get("/healthz", summary="Is the process alive", responses=problems("internal_error"))
async def is_alive() -> HealthView:
    """Answers as long as the process does; restart it when this fails."""
    return HealthView(status="ok")


@router.get(
    "/readyz",
    summary="Is everything reached",
    responses=NOT_READY | problems("internal_error"),
)
async def is_ready(parts: PartsIn, response: Response) -> HealthView:
    """PostgreSQL (and that it was migrated) and Temporal. Stripe is not asked: reads and webhooks go on without it."""
    postgres, temporal = await asyncio.gather(_answers(_postgres(parts)), _answers(parts.outside.temporal_answers()))
    checks = {"postgres": "ok" if postgres else "down", "temporal": "ok" if temporal else "down"}
    if postgres and temporal:
        return HealthView(status="ok", checks=checks)
    response.status_code = AWAY
    response.headers["Retry-After"] = "5"
    return HealthView(status="down", checks=checks)


async def _postgres(parts: Parts) -> bool:
    return await read_schema_version(parts.engine) is not None


async def _answers(question: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await question
    except (TimeoutError, OSError, SQLAlchemyError):
        return False
