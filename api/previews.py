"""What a subscription or a change of plan would cost, before anybody says yes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Depends

from activities.gateway import StripeRefused
from activities.previews import Quote
from activities.promotion_codes import is_about_the_code
from api.auth import ReaderIn
from api.bodies import PreviewBody
from api.choosing import chosen, chosen_interval, own_currency
from api.contract import OF_A_CALLER, READS, WITH_BODY, problems
from api.leaving import of_cancellation
from api.media import json_only
from api.parts import Parts, PartsIn
from api.previewing import sign
from api.problems import Problem
from api.views import ChargeView, NextChargeView, PreviewTiming, PreviewView
from api.views_of_leaving import CancellationPreviewView
from database.reading import CustomerStanding, read_standing, read_subscription
from database.trial_claims import trial_is_used
from lifecycle.facts import PlannedChange
from lifecycle.intents import ChangePlan, Subscribe
from lifecycle.plan_changes import ChangeTiming, quantity_after, timing_of
from lifecycle.plans import Catalogue, Interval, Terms, UnknownPlan
from lifecycle.refusals import check
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription

NOTHING = Quote(0, 0)

router = APIRouter(prefix="/billing/subscriptions", tags=["Subscriptions"])


@router.post(
    "/preview",
    openapi_extra={"security": OF_A_CALLER},
    dependencies=[Depends(json_only)],
    responses=problems(
        *READS,
        *WITH_BODY,
        "origin_not_allowed",
        "unknown_plan",
        "promotion_code_invalid",
        "quantity_too_large",
        "currency_locked",
        "currency_not_offered",
        "same_plan",
        "past_due",
        "payment_incomplete",
        "paused",
        "cancellation_scheduled",
        "no_subscription",
        "already_canceling",
        "payment_provider_refused",
        "payment_provider_away",
    ),
    summary="See what it would cost",
)
async def preview(body: PreviewBody, caller: ReaderIn, parts: PartsIn) -> PreviewView | CancellationPreviewView:
    """What subscribing, or changing the plan, would cost now and next, or what canceling would do; nothing is changed.

    Send `preview_token` with the change to be charged exactly this; when it no longer holds, the change is refused.
    """
    row = await read_subscription(parts.engine, caller.user_id)
    if body.cancel is not None:
        return await of_cancellation(parts, row, body.cancel)
    standing = await read_standing(parts.engine, caller.user_id)
    own = await own_currency(parts, caller.user_id, standing, body.currency)
    terms = chosen(parts.catalogue, body, chosen_interval(row, body.interval), own, row)
    now = parts.customer_now(row["clock_offset_seconds"] if row else 0)
    if row is None or not Status(row["status"] or Status.NONE).is_live:
        wish = Subscribe(terms, promotion_code=body.promotion_code, quantity=body.quantity or 1)
        return await _of_subscribing(parts, caller.user_id, standing, wish, now)
    if body.promotion_code is not None:
        raise _wrong_code("is for a new subscription; a change of plan takes none")
    return await _of_change(parts, caller.user_id, row, ChangePlan(terms, quantity=body.quantity), now)


async def _of_subscribing(
    parts: Parts, user_id: str, standing: CustomerStanding, wish: Subscribe, now: datetime
) -> PreviewView:
    trial_used = await trial_is_used(parts.engine, user_id)
    check(Subscription(user_id, trial_used=trial_used), wish)
    terms, seats = wish.terms, wish.quantity
    trial = 0 if trial_used else terms.trial_days
    first = _plain(terms, seats)
    if wish.promotion_code or terms.tax or standing.stripe_customer_id:
        first = await _first_charge(parts, user_id, wish)
    if trial:
        return _view(PreviewTiming.NOW, now, terms, seats, NOTHING, first, now + timedelta(days=trial))
    second = await _second_charge(parts, user_id, wish, first)
    return _view(PreviewTiming.NOW, now, terms, seats, first, second, terms.interval.after(now))


async def _second_charge(parts: Parts, user_id: str, wish: Subscribe, first: Quote) -> Quote:
    """With what the code still takes off by then, and with what the first charge leaves of the credit."""
    code, again = wish.promotion_code, first
    if code and not await parts.outside.previews.code_outlasts(code, wish.terms.interval):
        without = replace(wish, promotion_code=None)
        again = await _first_charge(parts, user_id, without) if wish.terms.tax else _plain(wish.terms, wish.quantity)
    return again.with_balance(first.balance)


def _plain(terms: Terms, seats: int) -> Quote:
    """By the catalogue alone."""
    return Quote(terms.amount * seats, terms.amount * seats)


async def _first_charge(parts: Parts, user_id: str, wish: Subscribe) -> Quote:
    promotion_code = wish.promotion_code
    try:
        return await parts.outside.previews.of_first_charge(user_id, wish.terms, wish.quantity, promotion_code)
    except StripeRefused as refusal:
        if promotion_code is None or not is_about_the_code(refusal):
            raise
        raise _wrong_code("cannot be used; check how it is written, or leave it out") from None


def _wrong_code(reason: str) -> Problem:
    errors = [{"field": "promotion_code", "reason": reason}]
    return Problem("promotion_code_invalid", f"This promotion code {reason}.", errors=errors)


async def _of_change(
    parts: Parts, user_id: str, row: Mapping[str, Any], wish: ChangePlan, now: datetime
) -> PreviewView:
    now = now.replace(microsecond=0)  # Stripe prorates by the second
    subscription, terms = known(row, parts.catalogue), wish.terms
    check(subscription, wish)
    had, seats = subscription.seats, quantity_after(subscription, terms, wish.quantity)
    token = sign(parts.settings, user_id, row, terms, seats, now)
    timing, effective_at, due, next_at = PreviewTiming.NOW, now, None, row["current_period_ends_at"]
    if not (terms.is_same_offer(subscription.terms) and seats == had):  # else what was planned is dropped
        match timing_of(subscription.status, subscription.terms, terms, seats_before=had, seats_after=seats):
            case ChangeTiming.IN_TRIAL:
                next_at = row["trial_ends_at"]
            case ChangeTiming.AT_PERIOD_END:
                timing, effective_at = PreviewTiming.PERIOD_END, next_at
            case ChangeTiming.WHEN_PAID:
                due = await parts.outside.previews.of_upgrade(row["stripe_subscription_id"], terms, seats, now)
                next_at = next_at if row["interval"] == terms.interval else terms.interval.after(now)
    then = await _next_charge(parts, row, replace(wish, quantity=seats), next_at, due)
    return _view(timing, effective_at, terms, seats, due or NOTHING, then, next_at, token)


async def _next_charge(
    parts: Parts, row: Mapping[str, Any], wish: ChangePlan, at: datetime, change: Quote | None
) -> Quote:
    """What comes after the change; in a trial that Stripe does not know of, what a first subscription costs."""
    terms, seats = wish.terms, wish.quantity or 1
    if row["stripe_subscription_id"]:
        return await parts.outside.previews.of_next_charge(row["stripe_subscription_id"], terms, seats, at, change)
    if terms.tax or row["stripe_customer_id"]:
        return await _first_charge(parts, row["user_id"], Subscribe(terms, quantity=seats))
    return _plain(terms, seats)


def known(row: Mapping[str, Any], catalogue: Catalogue) -> Subscription:
    """What the projection says of a subscription, as far as the rules about changes of plan need it."""
    planned = None
    if row["planned_at"]:
        planned = PlannedChange(
            price="",
            at=row["planned_at"],
            terms=_terms(catalogue, row, "planned_"),
            awaits_payment=row["planned_invoice_url"] is not None,
            quantity=1 if row["planned_quantity"] is None else row["planned_quantity"],
        )
    return Subscription(
        row["user_id"],
        status=Status(row["status"]),
        terms=_terms(catalogue, row),
        cancel_at=row["cancel_at"],
        planned=planned,
        quantity=row["quantity"],
        currency=row["customer_currency"],
    )


def _terms(catalogue: Catalogue, row: Mapping[str, Any], which: str = "") -> Terms | None:
    """The terms at the price that the customer has, which may be an older one; None for a plan that is gone."""
    plan, interval, amount = (row[f"{which}{name}"] for name in ("plan", "interval", "amount"))
    try:
        return catalogue.terms_at(plan or "", Interval(interval or ""), amount, row["currency"] or catalogue.currency)
    except (UnknownPlan, ValueError):
        return None


def _view(
    timing: PreviewTiming,
    at: datetime,
    terms: Terms,
    seats: int,
    due: Quote,
    then: Quote,
    next_at: datetime,
    token: str | None = None,
) -> PreviewView:
    return PreviewView(
        timing=timing,
        effective_at=at,
        quantity=seats,
        due_now=ChargeView(amount=due.due, currency=terms.currency, tax=due.tax),
        next_charge=NextChargeView(amount=then.due, currency=terms.currency, tax=then.tax, at=next_at),
        preview_token=token,
    )
