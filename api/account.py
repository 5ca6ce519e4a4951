"""The caller as a person: everything that is held on them, and being forgotten."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse

from api.asking import carry_out, describe_write
from api.auth import CallerIn, InPersonIn
from api.bodies import IdempotencyKey
from api.contract import OF_A_CALLER, READS, WRITES, problems
from api.export_views import ExportView, ForgottenView
from api.parts import Parts, PartsIn
from api.subscriptions import LATER
from database.exporting import export_many, export_one
from lifecycle.intents import Forget

router = APIRouter(prefix="/billing", tags=["Account"])

SECURED = {"security": OF_A_CALLER}


@router.get(
    "/export",
    response_model=ExportView,
    openapi_extra=SECURED,
    responses=problems(*READS),
    summary="Export everything that is held on the caller",
)
async def export(caller: CallerIn, parts: PartsIn) -> StreamingResponse:
    """Every row about the caller, as one JSON document that is written while it is read; however long, it fits.

    Name and e-mail address are the app's; a session's token and the addresses of Stripe's pages are left out.
    """
    once = await export_one(parts.engine, caller.user_id)
    headers = {"Content-Disposition": 'attachment; filename="billing.json"', "Cache-Control": "no-store"}
    return StreamingResponse(_written(parts, caller.user_id, once), 200, headers, "application/json")


@router.delete(
    "/account",
    response_model=ForgottenView,
    openapi_extra=SECURED,
    responses=LATER | problems(*WRITES, "session_required"),
    summary="Be forgotten",
)
async def forget(
    request: Request, caller: InPersonIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """End everything in Stripe at once, then forget the caller here. Call it before your app deletes the user.

    Nothing is forgotten before Stripe has confirmed; until then the answer is 202, and it goes on by itself. Nothing
    is refunded. Invoices stay at Stripe.
    """
    write = describe_write(request, caller.user_id, "forget", idempotency_key, {})
    return await carry_out(parts, replace(write, show=_show_forgotten), Forget())


async def _show_forgotten(_: Parts, __: str, ___: UUID) -> dict[str, Any]:
    return ForgottenView(forgotten=True).model_dump(mode="json")


async def _written(parts: Parts, user_id: str, once: dict[str, Any]) -> AsyncIterator[bytes]:
    head = {"exported_at": parts.clock(), "user_id": user_id, **once}
    yield orjson.dumps(head)[:-1]
    async for name, rows in export_many(parts.engine, user_id):
        yield b"," + orjson.dumps(name) + b":["
        comma = b""
        async for row in rows:
            yield comma + orjson.dumps(row)
            comma = b","
        yield b"]"
    yield b"}"
