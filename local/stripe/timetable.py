"""Which deadline leads to what."""

from collections.abc import Callable
from typing import Any

from .billing import (
    collection,
    discounting,
    disputing,
    lifecycle,
    manual_invoice,
    pause_collection,
    pending_update,
    phases,
    refunding,
)
from .resources import checkout_sessions, coupons, invoice_preview, promotion_codes

WHEN_DUE: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "expire_coupon": coupons.expire,
    "expire_promotion_code": promotion_codes.expire,
    "expire_discount": discounting.expire,
    "announce_invoice": invoice_preview.announce,
    "trial_will_end": lifecycle.announce_trial_end,
    "expire_update": pending_update.expire,
    "resume_collection": pause_collection.resume,
    "schedule_expiring": phases.expiring,
    "enter_phase": phases.advance,
    "cancel": lifecycle.cancel_as_scheduled,
    "period_end": lifecycle.end_period,
    "finalize": collection.finalize_and_collect,
    "collect": collection.retry,
    "overdue": manual_invoice.fall_overdue,
    "expire_incomplete": lifecycle.expire_incomplete,
    "expire_session": checkout_sessions.expire_when_due,
    "settle_dispute": disputing.answer_evidence,
    "settle_refund": refunding.settle,
}
