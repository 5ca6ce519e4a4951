"""The caller's own subscription: read it, begin it, change it, end it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from api.asking import answered_before, begin, carry_out, describe_write, refuse, refused
from api.auth import ReaderIn, WriterIn, check_payment_method
from api.bodies import ApplyPlanBody, CancelQuery, ConvertBody, IdempotencyKey, SubscribeBody
from api.choosing import chosen, chosen_interval, own_currency
from api.contract import OF_A_CALLER, READS, WITH_BODY, WRITES, Responses, answers_with, problems
from api.media import json_only
from api.parts import PartsIn
from api.previewing import proration_date
from api.previews import known
from api.problems import Problem
from api.timelines import Cursor, Limit, NewestFirst, Page, read_page
from api.views import OperationView, SubscriptionView, TimelineView, view_subscription
from database.reading import read_standing, read_subscription
from lifecycle.intents import Cancel, ChangePlan, Convert, Resume, Subscribe
from lifecycle.plan_changes import quantity_after
from lifecycle.plans import Interval, Terms
from lifecycle.refusals import Refusal
from lifecycle.subscription import Subscription

router = APIRouter(prefix="/billing/subscriptions", tags=["Subscriptions"])

SECURED = {"security": OF_A_CALLER}
LATER: Responses = {
    202: answers_with(
        "Accepted; not finished yet",
        OperationView,
        {"Location": "Where to ask how it ended.", "Retry-After": "Seconds."},
    )
}
CHARGING = ("payment_declined", "action_required")
PAYING = (*CHARGING, "unknown_plan", "quantity_too_large", "currency_locked", "currency_not_offered")


@router.get(
    "/me", openapi_extra=SECURED, responses=problems(*READS, "no_subscription"), summary="Read the subscription"
)
async def read_mine(caller: ReaderIn, parts: PartsIn) -> SubscriptionView:
    """The caller's subscription as it stands; one that is over is still shown."""
    row = await parts.cache.subscription(parts.engine, caller.user_id)
    if row is None or row["status"] is None:
        raise Problem("no_subscription", "You have never subscribed.")
    return view_subscription(row, parts.customer_now(row["clock_offset_seconds"]))


@router.get(
    "/me/timeline", openapi_extra=SECURED, responses=problems(*READS, "invalid_request"), summary="Read what happened"
)
async def read_my_timeline(
    caller: ReaderIn,
    parts: PartsIn,
    cursor: Cursor = None,
    limit: Limit = 50,
    newest_first: NewestFirst = False,
) -> TimelineView:
    """What happened to the caller's subscription, page by page, oldest first unless asked otherwise."""
    return await read_page(parts.engine, caller.user_id, Page(cursor, limit, newest_first))


@router.post(
    "",
    status_code=201,
    response_model=SubscriptionView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=LATER
    | problems(
        *WRITES,
        *WITH_BODY,
        *PAYING,
        "session_required",
        "already_subscribed",
        "payment_incomplete",
        "trial_already_used",
        "trial_too_long",
        "payment_method_required",
        "payment_method_invalid",
        "promotion_code_invalid",
        "tax_location_required",
    ),
    summary="Subscribe",
)
async def subscribe(
    request: Request, body: SubscribeBody, caller: WriterIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Begin a subscription with the plan's trial, a shorter one, or none and a payment method.

    A trial without a payment method begins here; it begins at Stripe when a card is added."""
    check_payment_method(caller, body.payment_method)
    write = describe_write(request, caller.user_id, "subscribe", idempotency_key, body.model_dump())
    if again := await answered_before(parts, write, status=201):
        return again
    standing = await read_standing(parts.engine, caller.user_id)
    own = await own_currency(parts, caller.user_id, standing, body.currency)
    terms = chosen(parts.catalogue, body, Interval(body.interval), own)
    check_trial(terms, body.trial_period_days)
    intent = Subscribe(
        terms,
        body.trial_period_days,
        body.payment_method,
        promotion_code=body.promotion_code,
        quantity=body.quantity or 1,
        may_be_cardless=True,
    )
    return await carry_out(parts, write, intent, status=201)


@router.patch(
    "/plan",
    response_model=SubscriptionView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=LATER
    | problems(
        *WRITES,
        *WITH_BODY,
        *PAYING,
        "session_required",
        "no_subscription",
        "same_plan",
        "preview_stale",
        "past_due",
        "payment_disputed",
        "payment_incomplete",
        "paused",
        "cancellation_scheduled",
        "payment_method_required",
        "payment_method_invalid",
    ),
    summary="Change the plan",
)
async def change_plan(
    request: Request, body: ApplyPlanBody, caller: WriterIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Move to another plan, interval or number of seats. An upgrade is granted when it is paid, at once if the card
    allows it; a downgrade waits until the period is over. In a trial the plan changes without a charge."""
    check_payment_method(caller, body.payment_method)
    write = describe_write(request, caller.user_id, "change_plan", idempotency_key, body.model_dump())
    if again := await answered_before(parts, write):
        return again
    row = await read_subscription(parts.engine, caller.user_id)
    own = row["customer_currency"] if row else None
    terms = chosen(parts.catalogue, body, chosen_interval(row, body.interval), own, row)
    operation = await begin(parts, write)
    shown_at = None
    if body.preview_token and operation.is_pending:
        now = parts.customer_now(row["clock_offset_seconds"] if row else 0)
        subscription = known(row, parts.catalogue) if row else Subscription(caller.user_id)
        seats = quantity_after(subscription, terms, body.quantity)
        try:
            shown_at = proration_date(parts.settings, body.preview_token, caller.user_id, row, terms, seats, now)
        except Refusal as refusal:
            raise refused(await refuse(parts, operation, refusal)) from None
    intent = ChangePlan(terms, proration_date=shown_at, quantity=body.quantity, payment_method=body.payment_method)
    return await carry_out(parts, write, intent, operation=operation)


@router.delete(
    "",
    response_model=SubscriptionView,
    openapi_extra=SECURED,
    responses=LATER | problems(*WRITES, "no_subscription", "already_canceling"),
    summary="Cancel",
)
async def cancel(
    request: Request,
    query: Annotated[CancelQuery, Query()],
    caller: WriterIn,
    parts: PartsIn,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """End the subscription when what is paid is over, or now."""
    asked = query.model_dump(mode="json")
    write = describe_write(request, caller.user_id, "cancel", idempotency_key, asked)
    return await carry_out(parts, write, Cancel(query.timing, query.reason))


@router.post(
    "/resume",
    response_model=SubscriptionView,
    openapi_extra=SECURED,
    responses=LATER
    | problems(*WRITES, "no_subscription", "not_canceling", "payment_disputed", "payment_method_required", *CHARGING),
    summary="Undo a scheduled cancellation, or go on after a pause",
)
async def resume(
    request: Request, caller: WriterIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Keep the subscription after all, as long as its cancellation has not taken effect. One that is paused goes on,
    with the card on file."""
    write = describe_write(request, caller.user_id, "resume", idempotency_key, {})
    return await carry_out(parts, write, Resume())


@router.post(
    "/convert",
    response_model=SubscriptionView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=LATER
    | problems(
        *WRITES,
        *WITH_BODY,
        *CHARGING,
        "session_required",
        "no_subscription",
        "not_trialing",
        "cancellation_scheduled",
        "payment_disputed",
        "payment_method_required",
        "payment_method_invalid",
    ),
    summary="End the trial or the pause, and pay",
)
async def convert(
    request: Request, body: ConvertBody, caller: WriterIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Begin to pay now: the first period is charged, and granted when it is paid. A declined card changes nothing."""
    check_payment_method(caller, body.payment_method)
    write = describe_write(request, caller.user_id, "convert", idempotency_key, body.model_dump())
    return await carry_out(parts, write, Convert(body.payment_method))


def check_trial(terms: Terms, days: int | None) -> None:
    """A trial may be shorter than the plan's own, never longer."""
    if days is not None and days > terms.trial_days:
        reason = f"{terms.plan} has a trial of at most {terms.trial_days} days"
        raise Problem("trial_too_long", f"{reason}.", errors=[{"field": "trial_period_days", "reason": reason}])
