"""What a cancellation would do: asked of the same rules that carry it out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from activities.previews import OpenInvoice
from activities.told import read_told
from api.parts import Parts
from api.problems import Problem
from api.views import AmountView, PreviewTiming
from api.views_of_leaving import CancellationPreviewView, VoidedInvoiceView
from database.reading import standing_in
from lifecycle.access import access_at
from lifecycle.intents import Cancel, Timing
from lifecycle.leaving import may_get_back, shares_due
from lifecycle.plans import UnknownPlan
from lifecycle.policy import Policy, policy_from
from lifecycle.refusals import check
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription


async def of_cancellation(parts: Parts, row: Mapping[str, Any] | None, timing: Timing) -> CancellationPreviewView:
    """Raises `lifecycle.refusals.Refusal` and `Problem` as the cancellation itself would."""
    if row is None or row["status"] is None:
        raise Problem("no_subscription", "There is no running subscription; subscribe first.")
    intent = Cancel(timing)
    check(_known(row), intent)
    now = parts.customer_now(row["clock_offset_seconds"])
    at_once = (
        timing is Timing.NOW or row["open_invoice_id"] is not None or (row["current_period_ends_at"] or now) <= now
    )
    ends_at = now if at_once else row["current_period_ends_at"]
    return CancellationPreviewView(
        timing=PreviewTiming.NOW if at_once else PreviewTiming.PERIOD_END,
        effective_at=ends_at,
        access_until=_access_until(row, ends_at, now),
        refund=AmountView(amount=await _refund(parts, row, intent, now), currency=_currency(parts, row)),
        voided_invoices=[
            VoidedInvoiceView(amount=invoice.amount, currency=invoice.currency, url=invoice.url)
            for invoice in await _voided(parts, row, at_once=at_once)
        ],
        drops_planned_change=row["planned_at"] is not None,
    )


def _known(row: Mapping[str, Any]) -> Subscription:
    return Subscription(row["user_id"], status=Status(row["status"]), cancel_at=row["cancel_at"])


def _access_until(row: Mapping[str, Any], ends_at: datetime, now: datetime) -> datetime | None:
    """When access ends by the cancellation, or before it by itself, as at the end of a trial."""
    standing = standing_in(row)
    if not access_at(standing, now).granted:
        return None
    if ends_at <= now:
        return now
    return access_at(replace(standing, cancel_at=ends_at), now).until


async def _refund(parts: Parts, row: Mapping[str, Any], intent: Cancel, now: datetime) -> int:
    """In minor units, by the rules that this subscription was sold under."""
    policy, known = _policy(parts, row), _known(row)
    if policy is None or row["open_invoice_id"] or not may_get_back(known, intent, policy):
        return 0
    async with parts.engine.connect() as connection:
        told = await read_told(connection, row["user_id"])
    payments = await parts.outside.previews.paid_for_period(row["stripe_subscription_id"])
    return sum(share.amount for share in shares_due(policy, payments, told.disputes, now))


def _policy(parts: Parts, row: Mapping[str, Any]) -> Policy | None:
    """What the projection keeps; of a row that is older than that, what its plan says today."""
    if row["policy"]:
        return policy_from(row["policy"])
    try:
        return parts.catalogue.plan(row["plan"] or "").policy
    except UnknownPlan:
        return None


async def _voided(parts: Parts, row: Mapping[str, Any], *, at_once: bool) -> list[OpenInvoice]:
    """All that is open when it ends at once, else only that of an upgrade which waits for its payment."""
    is_cardless = row["stripe_subscription_id"] is None
    if is_cardless or (not at_once and row["planned_invoice_url"] is None):
        return []
    found = await parts.outside.previews.open_invoices(row["stripe_subscription_id"])
    return [invoice for invoice in found if at_once or invoice.url == row["planned_invoice_url"]]


def _currency(parts: Parts, row: Mapping[str, Any]) -> str:
    return str(row["currency"] or parts.catalogue.currency)
