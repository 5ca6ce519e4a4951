"""Stripe's own pages for a customer: Checkout and the portal."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

import telemetry
from activities.customers import UnknownUser
from activities.gateway import StripeRefused
from activities.pages import NoCustomer, PromotionChoice
from activities.promotion_codes import is_about_the_code
from api.asking import begin, describe_write, ended_before, refuse, refused
from api.auth import InPersonIn, WriterIn, check_brings_card
from api.bodies import CheckoutBody, IdempotencyKey, PortalBody, is_confidential
from api.choosing import chosen, own_currency
from api.contract import OF_A_CALLER, WITH_BODY, WRITES, problems
from api.media import json_only
from api.parts import Parts, PartsIn
from api.problems import Problem
from api.views import AddressView, CheckoutView
from database.operations import Operation, complete_operation
from database.reading import CustomerStanding, read_standing
from database.trial_claims import trial_is_used
from lifecycle.intents import Outcome, Result
from lifecycle.plans import Interval, Terms
from lifecycle.refusals import Refusal, RefusalCode
from lifecycle.statuses import Status
from production import is_loopback, origin_of
from settings import Settings

router = APIRouter(prefix="/billing", tags=["Stripe's pages"])

SECURED = {"security": OF_A_CALLER}
SOONEST_TRIAL_END = timedelta(hours=48, minutes=15)
"""Checkout wants 48 hours (https://docs.stripe.com/payments/checkout/free-trials); a quarter more to get there."""


@router.post(
    "/checkout",
    status_code=201,
    response_model=CheckoutView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=problems(
        *WRITES,
        *WITH_BODY,
        "session_required",
        "unknown_plan",
        "quantity_too_large",
        "currency_locked",
        "currency_not_offered",
        "already_subscribed",
        "payment_incomplete",
        "promotion_code_invalid",
    ),
    summary="Open Checkout",
)
async def open_checkout(
    request: Request, body: CheckoutBody, caller: WriterIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """A Stripe Checkout page for a plan, with its trial when the caller has never had one.

    A trial that runs without a card goes on after it; who is on a free plan leaves that for the new one. The page takes
    a card, so whoever may not bring one may not open it.
    """
    check_brings_card(caller)
    write = describe_write(request, caller.user_id, "checkout", idempotency_key, body.model_dump())
    if ended := await ended_before(parts, write):
        return _again(ended)
    standing = await read_standing(parts.engine, caller.user_id)
    own = await own_currency(parts, caller.user_id, standing, body.currency)
    terms = chosen(parts.catalogue, body, Interval(body.interval), own)
    check_addresses(parts, {"success_url": body.success_url, "cancel_url": body.cancel_url})
    operation = await begin(parts, write)
    if not operation.is_pending:
        return _again(operation)
    await _refuse_if_subscribed(parts, operation, standing)
    trial = await _trial(parts, caller.user_id, standing, terms)
    try:
        opened = await parts.outside.pages.open_checkout(
            caller.user_id,
            terms,
            trial,
            body.success_url,
            body.cancel_url,
            str(operation.id),
            PromotionChoice(body.promotion_code, body.allow_promotion_codes),
            body.quantity or 1,
        )
    except StripeRefused as refusal:
        if body.promotion_code and is_about_the_code(refusal):
            reason = "This promotion code cannot be used; check how it is written, or leave it out."
            raise refused(await refuse(parts, operation, Refusal(RefusalCode.PROMOTION_CODE_INVALID, reason))) from None
        await _fail(parts, operation)
        raise
    return await _answer(parts, operation, asdict(opened))


@router.post(
    "/portal",
    status_code=201,
    response_model=AddressView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=problems(*WRITES, *WITH_BODY, "session_required", "no_customer"),
    summary="Open the customer portal",
)
async def open_portal(
    request: Request, body: PortalBody, caller: InPersonIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Stripe's portal, where the caller changes cards and finds invoices."""
    check_addresses(parts, {"return_url": body.return_url})
    write = describe_write(request, caller.user_id, "portal", idempotency_key, body.model_dump())
    operation = await begin(parts, write)
    if not operation.is_pending:
        return _again(operation)
    try:
        is_cardless = (await read_standing(parts.engine, caller.user_id)).is_cardless
        url = await parts.outside.pages.open_portal(
            caller.user_id, body.return_url, str(operation.id), is_customer=is_cardless
        )
    except (StripeRefused, NoCustomer, UnknownUser):
        await _fail(parts, operation)
        raise
    return await _answer(parts, operation, {"url": url})


def check_addresses(parts: Parts, addresses: Mapping[str, str]) -> None:
    """Customers return over https to where the product is; on a laptop http and any port of it will do."""
    reasons = {field: _why_not(parts.settings, url) for field, url in addresses.items()}
    errors = [{"field": field, "reason": reason} for field, reason in reasons.items() if reason]
    if errors:
        raise Problem("invalid_request", f"{errors[0]['field']}: {errors[0]['reason']}", errors=errors)


def _why_not(settings: Settings, url: str) -> str | None:
    if settings.mode == "production" and not is_confidential(url):
        return "must use https"
    parts = urlsplit(url)
    if settings.mode == "local" and parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return None
    return None if origin_of(url) in settings.return_origins else "leads to none of the addresses that are allowed"


async def _refuse_if_subscribed(parts: Parts, operation: Operation, standing: CustomerStanding) -> None:
    """A second subscription beside a running one would be charged twice."""
    status = Status(standing.status or Status.NONE)
    if not status.is_live or standing.is_cardless or standing.amount == 0:
        return
    telemetry.OPERATIONS.labels(operation.kind, Result.REFUSED.value).inc()
    if status is Status.INCOMPLETE:
        refusal = Refusal(
            RefusalCode.PAYMENT_INCOMPLETE, "A subscription waits for its first payment; complete that one."
        )
    else:
        refusal = Refusal(RefusalCode.ALREADY_SUBSCRIBED, "There is a subscription already; change its plan instead.")
    raise refused(await refuse(parts, operation, refusal))


async def _trial(parts: Parts, user_id: str, standing: CustomerStanding, terms: Terms) -> int | datetime:
    """Days of a new trial, or the end of the one that runs already; never sooner than Checkout allows."""
    if standing.is_cardless and standing.status == Status.TRIALING and standing.trial_ends_at:
        soonest = parts.customer_now(standing.clock_offset_seconds) + SOONEST_TRIAL_END
        return max(standing.trial_ends_at, soonest)
    return 0 if await trial_is_used(parts.engine, user_id) else terms.trial_days


async def _answer(parts: Parts, operation: Operation, body: dict[str, str]) -> JSONResponse:
    telemetry.OPERATIONS.labels(operation.kind, Result.DONE.value).inc()
    await complete_operation(parts.engine, operation.id, "succeeded", {"result": Result.DONE.value}, body)
    return JSONResponse(body, 201)


async def _fail(parts: Parts, operation: Operation) -> None:
    telemetry.OPERATIONS.labels(operation.kind, Result.FAILED.value).inc()
    await complete_operation(parts.engine, operation.id, "failed", {"result": Result.FAILED.value})


def _again(operation: Operation) -> JSONResponse:
    """What was answered under this key before."""
    if operation.answer is not None:
        return JSONResponse(operation.answer, 201)
    result = operation.result or {}
    if result.get("result") == Result.REFUSED.value:
        raise refused(Outcome(Result.REFUSED, result.get("code"), result.get("detail")))
    if operation.kind == "portal":
        raise Problem("no_customer", "You had no billing account then; ask again with a new Idempotency-Key.")
    raise Problem(
        "payment_provider_refused", "The payment provider refused this; ask again with a new Idempotency-Key."
    )
