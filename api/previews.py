"""What a subscription or a change of plan would cost, before anybody says yes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Depends

from activities.gateway import StripeRefused
from activities.promotion_codes import is_about_the_code
from api.auth import CallerIn
from api.bodies import PreviewBody
from api.choosing import chosen_interval
from api.contract import OF_A_CALLER, READS, WITH_BODY, problems
from api.media import json_only
from api.parts import Parts, PartsIn
from api.previewing import sign
from api.problems import Problem
from api.views import AmountView, NextChargeView, PreviewTiming, PreviewView
from database.reading import read_standing, read_subscription
from database.trial_claims import trial_is_used
from lifecycle.facts import PlannedChange
from lifecycle.intents import ChangePlan, Subscribe
from lifecycle.plan_changes import ChangeTiming, timing_of
from lifecycle.plans import Catalogue, Interval, Terms, UnknownPlan
from lifecycle.refusals import check
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription

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
        "same_plan",
        "past_due",
        "payment_incomplete",
        "paused",
        "cancellation_scheduled",
        "payment_provider_refused",
        "payment_provider_away",
    ),
    summary="See what it would cost",
)
async def preview(body: PreviewBody, caller: CallerIn, parts: PartsIn) -> PreviewView:
    """What subscribing, or changing the plan, would cost now and next; nothing is changed.

    Send `preview_token` with the change to be charged exactly this; when it no longer holds, the change is refused.
    """
    row = await read_subscription(parts.engine, caller.user_id)
    terms = parts.catalogue.terms(body.plan, chosen_interval(row, body.interval))
    now = parts.customer_now(row["clock_offset_seconds"] if row else 0)
    if row is None or not Status(row["status"] or Status.NONE).is_live:
        return await _of_subscribing(parts, caller.user_id, terms, now, body.promotion_code)
    return await _of_change(parts, caller.user_id, row, terms, now)


async def _of_subscribing(
    parts: Parts, user_id: str, terms: Terms, now: datetime, promotion_code: str | None
) -> PreviewView:
    standing, trial_used = await read_standing(parts.engine, user_id), await trial_is_used(parts.engine, user_id)
    check(Subscription(user_id, trial_used=trial_used), Subscribe(terms))
    trial = 0 if trial_used else terms.trial_days
    first = terms.amount
    if promotion_code or (standing.stripe_customer_id and not trial):
        first = await _first_charge(parts, user_id, terms, promotion_code)
    if trial:
        return _view(PreviewTiming.NOW, now, 0, replace(terms, amount=first), now + timedelta(days=trial))
    return _view(PreviewTiming.NOW, now, first, terms, terms.interval.after(now))


async def _first_charge(parts: Parts, user_id: str, terms: Terms, promotion_code: str | None) -> int:
    try:
        return await parts.outside.previews.of_first_charge(user_id, terms, promotion_code)
    except StripeRefused as refusal:
        if promotion_code is None or not is_about_the_code(refusal):
            raise
        reason = "cannot be used; check how it is written, or leave it out"
        errors = [{"field": "promotion_code", "reason": reason}]
        raise Problem("promotion_code_invalid", f"This promotion code {reason}.", errors=errors) from None


async def _of_change(parts: Parts, user_id: str, row: Mapping[str, Any], terms: Terms, now: datetime) -> PreviewView:
    now = now.replace(microsecond=0)  # Stripe prorates by the second
    subscription = known(row, parts.catalogue)
    check(subscription, ChangePlan(terms))
    token = sign(parts.settings, user_id, row, terms, now)
    period_end = row["current_period_ends_at"]
    if subscription.terms and subscription.terms.is_same_offer(terms):  # what was planned is dropped
        return _view(PreviewTiming.NOW, now, 0, terms, period_end, token)
    match timing_of(subscription.status, subscription.terms, terms):
        case ChangeTiming.IN_TRIAL:
            return _view(PreviewTiming.NOW, now, 0, terms, row["trial_ends_at"], token)
        case ChangeTiming.AT_PERIOD_END:
            return _view(PreviewTiming.PERIOD_END, period_end, 0, terms, period_end, token)
    due = await parts.outside.previews.of_upgrade(row["stripe_subscription_id"], terms, now)
    next_at = period_end if row["interval"] == terms.interval else terms.interval.after(now)
    return _view(PreviewTiming.NOW, now, due, terms, next_at, token)


def known(row: Mapping[str, Any], catalogue: Catalogue) -> Subscription:
    """What the projection says of a subscription, as far as the rules about changes of plan need it."""
    planned = None
    if row["planned_at"]:
        planned = PlannedChange(
            price="",
            at=row["planned_at"],
            terms=_terms(catalogue, row["planned_plan"], row["planned_interval"], row["planned_amount"]),
            awaits_payment=row["planned_invoice_url"] is not None,
        )
    return Subscription(
        row["user_id"],
        status=Status(row["status"]),
        terms=_terms(catalogue, row["plan"], row["interval"], row["amount"]),
        cancel_at=row["cancel_at"],
        planned=planned,
    )


def _terms(catalogue: Catalogue, plan: str | None, interval: str | None, amount: int | None) -> Terms | None:
    """The terms at the price that the customer has, which may be an older one; None for a plan that is gone."""
    try:
        terms = catalogue.terms(plan or "", Interval(interval or ""))
    except (UnknownPlan, ValueError):
        return None
    return terms if amount is None else replace(terms, amount=amount)


def _view(
    timing: PreviewTiming, at: datetime, due: int, terms: Terms, next_at: datetime, token: str | None = None
) -> PreviewView:
    return PreviewView(
        timing=timing,
        effective_at=at,
        due_now=AmountView(amount=due, currency=terms.currency),
        next_charge=NextChargeView(amount=terms.amount, currency=terms.currency, at=next_at),
        preview_token=token,
    )
