"""The one thing to tell a customer in the app, as the API shows it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from database.reading import standing_in
from lifecycle.facts import Card
from lifecycle.notices import (
    CARD_REMINDER_DAYS,
    SHORT_TRIAL_REMINDER_DAYS,
    TRIAL_REMINDER_DAYS,
    NoticeKind,
    Situation,
    notice_at,
)


class NoticeView(BaseModel):
    """The most urgent thing that a customer should see now."""

    kind: NoticeKind = Field(
        description="`action_required`: confirm at the bank, at `url`. `payment_failed`: pay or change the card, at "
        "`url`; access ends at `by`. `upgrade_unpaid`: pay for the upgrade, at `url`. `trial_ending`, "
        "`cancellation_scheduled`: happens at `by`. `card_expiring`: change the card before the charge at `by`. "
        "`paused`: add a card.",
        examples=["payment_failed"],
    )
    by: datetime | None = Field(
        description="When it is too late, or when it happens.", examples=["2026-12-14T09:30:00Z"]
    )
    url: str | None = Field(
        description="Where the customer does it, at Stripe.", examples=["https://invoice.stripe.com/i/acct_1/x"]
    )


def view_notice(row: Mapping[str, Any], now: datetime) -> NoticeView | None:
    """What a row of the projection calls for at ``now`` on the customer's clock."""
    rules = row["policy"] or {}
    situation = Situation(
        standing=standing_in(row),
        started_at=row["started_at"],
        period_starts_at=row["current_period_starts_at"],
        has_open_invoice=row["open_invoice_id"] is not None,
        action_required=row["action_required"],
        invoice_url=row["open_invoice_url"],
        upgrade_url=row["planned_invoice_url"],
        upgrade_until=row["planned_at"],
        card=Card("", row["card_exp_month"], row["card_exp_year"]),
        trial_reminder_days=rules.get("trial_reminder_days", TRIAL_REMINDER_DAYS),
        short_trial_reminder_days=rules.get("short_trial_reminder_days", SHORT_TRIAL_REMINDER_DAYS),
        card_reminder_days=rules.get("card_reminder_days", CARD_REMINDER_DAYS),
    )
    notice = notice_at(situation, now)
    return NoticeView(kind=notice.kind, by=notice.by, url=notice.url) if notice else None
