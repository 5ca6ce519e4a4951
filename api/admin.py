"""What administrators may do for a user: everything is an intent through the user's own workflow."""

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse

from api.asking import answered_before, carry_out, describe_write, operators_key
from api.auditing import operators_act
from api.auth import AdministratorIn
from api.bodies import IdempotencyKey, PolicyMoveBody, RefundBody, TrialBody, asked_in
from api.contract import OF_A_CALLER, WITH_BODY, WRITES, problems
from api.media import json_only
from api.parts import Parts, PartsIn
from api.problems import Problem
from api.subscriptions import LATER
from api.views import SubscriptionView
from api.views_of_money import RefundView
from api.views_of_policies import PolicyMoveView, view_policy_move
from database.administration import read_policy_move, read_refund
from database.reading import read_standing, read_subscription
from lifecycle.intents import MovePolicy, MoveTrialEnd, RefundPayment
from lifecycle.statuses import Status

router = APIRouter(prefix="/billing/admin", tags=["Administration"])

SECURED = {"security": OF_A_CALLER}
LONGEST_TRIAL = timedelta(days=730)
"""https://docs.stripe.com/api/subscriptions/update#update_subscription-trial_end"""
UserId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,255}$", description="The user's id in Better-Auth.")]


@router.post(
    "/users/{user_id}/refunds",
    status_code=201,
    response_model=RefundView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=LATER
    | problems(
        *WRITES,
        *WITH_BODY,
        "session_required",
        "no_customer",
        "nothing_to_refund",
        "unknown_invoice",
        "refund_too_large",
        "payment_disputed",
    ),
    summary="Refund a payment",
)
async def refund(
    request: Request,
    user_id: UserId,
    body: RefundBody,
    administrator: AdministratorIn,
    parts: PartsIn,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Give a user's payment back, all that is left of it or a part; the subscription goes on."""
    key = operators_key(administrator, idempotency_key)
    write = replace(describe_write(request, user_id, "refund", key, asked_in(body)), show=_show_refund)
    if again := await answered_before(parts, write, status=201):
        return again
    if (await read_standing(parts.engine, user_id)).stripe_customer_id is None:
        raise Problem("no_customer", "This user has never paid anything.")
    told = {"amount": body.amount, "invoice": body.invoice, "why": body.reason}
    act = operators_act(administrator, "refund", user_id, body.audit_reason, **told)
    intent = RefundPayment(body.amount, body.invoice, body.reason, administrator.user_id)
    return await carry_out(parts, replace(write, act=act), intent, status=201)


@router.post(
    "/users/{user_id}/trial",
    response_model=SubscriptionView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=LATER | problems(*WRITES, *WITH_BODY, "session_required", "no_subscription", "not_trialing"),
    summary="Move the end of a trial",
)
async def move_trial_end(
    request: Request,
    user_id: UserId,
    body: TrialBody,
    administrator: AdministratorIn,
    parts: PartsIn,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Give a user more time, or less; null ends the trial now: what is on file is charged, or the plan says what
    follows without a card."""
    key = operators_key(administrator, idempotency_key)
    write = describe_write(request, user_id, "move_trial_end", key, asked_in(body))
    if again := await answered_before(parts, write):
        return again
    row = await read_subscription(parts.engine, user_id)
    if row is None:
        raise Problem("no_subscription", "This user has never subscribed.")
    ends_at = body.ends_at.astimezone(UTC) if body.ends_at else None
    now = parts.customer_now(row["clock_offset_seconds"])
    if ends_at and not now < ends_at <= now + LONGEST_TRIAL:
        reason = "must lie ahead, within two years"
        raise Problem("invalid_request", f"ends_at: {reason}", errors=[{"field": "ends_at", "reason": reason}])
    moment = ends_at.isoformat() if ends_at else "now"
    act = operators_act(administrator, "move_trial_end", user_id, body.audit_reason, ends_at=moment)
    return await carry_out(parts, replace(write, act=act), MoveTrialEnd(ends_at, administrator.user_id))


@router.post(
    "/users/{user_id}/policy",
    response_model=PolicyMoveView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=LATER
    | problems(*WRITES, *WITH_BODY, "session_required", "no_subscription", "unknown_plan", "policy_unchanged"),
    summary="Move a subscription to the rules of today",
)
async def move_policy(
    request: Request,
    user_id: UserId,
    administrator: AdministratorIn,
    parts: PartsIn,
    body: PolicyMoveBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """From the rules that a subscription was sold under (grace, tries, reminders) to those which its plan has now."""
    key = operators_key(administrator, idempotency_key)
    write = replace(describe_write(request, user_id, "move_policy", key, {}), show=_show_policy_move)
    if again := await answered_before(parts, write):
        return again
    row = await read_subscription(parts.engine, user_id)
    if row is None or not Status(row["status"] or "none").is_live:
        raise Problem("no_subscription", "This user has no running subscription.")
    policy = parts.catalogue.plan(row["plan"]).policy
    reason = body.audit_reason if body else None
    act = operators_act(administrator, "move_policy", user_id, reason, plan=row["plan"], version=policy.version)
    return await carry_out(parts, replace(write, act=act), MovePolicy(row["plan"], policy, administrator.user_id))


async def _show_refund(parts: Parts, user_id: str, operation_id: UUID) -> dict[str, Any]:
    """The workflow saved it before it answered."""
    told = await read_refund(parts.engine, user_id, operation_id)
    if told is None:
        raise Problem("not_found", "The refund was made; its line in the timeline is not there.")
    view = RefundView(
        id=told["refund"],
        charge=told["charge"],
        amount=int(told["amount"]),
        currency=told["currency"],
        status=told["status"],
        reason=told.get("reason"),
        created_at=told["at"],
    )
    return view.model_dump(mode="json")


async def _show_policy_move(parts: Parts, user_id: str, operation_id: UUID) -> dict[str, Any]:
    told = await read_policy_move(parts.engine, user_id, operation_id)
    if told is None:
        raise Problem("not_found", "The subscription was moved; its line in the timeline is not there.")
    return view_policy_move(*told).model_dump(mode="json")
