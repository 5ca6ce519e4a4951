"""The webhook door: verify, put on disk once, answer. Everything else happens later and elsewhere.

https://docs.stripe.com/webhooks
"""

from collections.abc import Iterable
from datetime import datetime

import orjson
import structlog
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import SecretStr
from starlette.routing import Route
from stripe import SignatureVerificationError, WebhookSignature

import telemetry
from api.auth import stripe_itself
from api.contract import problems
from api.parts import Parts
from api.problems import Problem
from api.views import ReceivedView
from api.webhook_notices import judged
from database.entries import MalformedEvent, read_entry

router = APIRouter(prefix="/billing/webhooks", tags=["Webhooks"])
log = structlog.get_logger(__name__)

PATH = "/billing/webhooks/stripe"
RECEIVED = ReceivedView(received=True).model_dump_json()
_LONGEST_SIGNATURE = 4096


@router.post(
    "/stripe",
    response_model=ReceivedView,
    dependencies=[Depends(stripe_itself)],
    openapi_extra={
        "security": [{"stripe": []}],
        "requestBody": {
            "required": True,
            "description": "A Stripe event, as Stripe signed it.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
    },
    responses=problems(
        "bad_signature",
        "stale_signature",
        "malformed_event",
        "malformed_json",
        "malformed_request",
        "unknown_host",
        "origin_not_allowed",
        "invalid_request",
        "request_timeout",
        "body_too_large",
        "rate_limited",
        "internal_error",
        "temporarily_unavailable",
    ),
    summary="Receive a Stripe event",
)
async def receive(request: Request) -> Response:
    """Answers 2xx once the event is on disk; any other answer makes Stripe send it again. A doubled event is 2xx."""
    parts: Parts = request.state.parts
    try:
        body = await request.body()
        signed_at = verify(body, request.headers.get("stripe-signature", ""), parts.settings.stripe_webhook_secrets)
        _check_age(signed_at, parts.clock(), parts.settings.webhook_tolerance_seconds)
        parts.rate_limits.admit_stripe(request)
        event = orjson.loads(body)
        entry = read_entry(event)
    except Problem as problem:
        _count_refused(problem.kind)
        await parts.rate_limits.admit_forgery(request)
        raise
    except MalformedEvent:
        _count_refused("malformed_event")
        raise
    except HTTPException:
        _count_refused("body_too_large")
        await parts.rate_limits.admit_forgery(request)
        raise
    except orjson.JSONDecodeError:
        _count_refused("malformed_json")
        raise Problem("malformed_json", "The body could not be parsed as JSON.") from None
    structlog.contextvars.bind_contextvars(event_id=entry.id, event_type=entry.type)
    kept = judged(parts.settings, event, entry, parts.clock())
    if kept and await parts.ledger.record(kept) and kept.wakes:
        parts.outside.relay.wake()
    return Response(RECEIVED, media_type="application/json")


async def _at_the_door(request: Request) -> Response:
    request.scope["route"] = DOOR  # what the log and the metrics call it; FastAPI's own routes say so themselves
    return await receive(request)


DOOR = Route(PATH, _at_the_door, methods=["POST"], include_in_schema=False)
"""The same without FastAPI's layers, which cost as much as all the rest; `router` stays for the contract."""


def verify(body: bytes, header: str, secrets: Iterable[SecretStr]) -> int:
    """The moment (Unix seconds) at which Stripe signed the body with one of our secrets; raises a problem.

    Stripe's own verification takes one secret a call, and accepts any moment in the future: age is checked apart.
    """
    if not header.isascii() or len(header) > _LONGEST_SIGNATURE:
        raise Problem("bad_signature", "The Stripe-Signature header cannot be read.")
    for secret in secrets:
        try:
            WebhookSignature.verify_header(body, header, secret.get_secret_value())
        except (SignatureVerificationError, UnicodeDecodeError):
            continue
        return int(next(part.split("=")[1] for part in header.split(",") if part.startswith("t=")))
    raise Problem("bad_signature", "No configured secret fits the Stripe-Signature header.")


def _check_age(signed_at: int, now: datetime, tolerance_seconds: int) -> None:
    """Both ways: a replay is old, and a moment far ahead would stay valid for ever."""
    if abs(now.timestamp() - signed_at) > tolerance_seconds:
        raise Problem("stale_signature", f"The event was not signed within {tolerance_seconds} seconds of now.")


def _count_refused(reason: str) -> None:
    telemetry.WEBHOOKS.labels(f"refused_{reason}").inc()
