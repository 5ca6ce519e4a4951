"""A letter goes out only if it is true at that moment."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.emails import Emails
from lifecycle.notifications import Notification
from tests.activities.post_office import (
    ACTIVE,
    CANCELED,
    ENDING,
    ON_FILE,
    PAST_DUE,
    SOON,
    TRIALING,
    PostOffice,
    customer,
    decide,
    letter,
    send,
)

STILL_TRUE = [
    (Notification.WELCOME, "sub_1", {"trial_ends_at": SOON}, TRIALING),
    (Notification.TRIAL_ENDING, "sub_1/x", {"trial_ends_at": SOON}, TRIALING),
    (Notification.TRIAL_EXTENDED, "sub_1/x", {"trial_ends_at": SOON}, TRIALING),
    (Notification.PAYMENT_FAILED, "in_1/2", {"amount": 3000, "currency": "usd"}, PAST_DUE),
    (Notification.ACTION_REQUIRED, "in_1/1", {}, {**PAST_DUE, "action_required": True}),
    (Notification.PAYMENT_RECOVERED, "sub_1/4", {}, ACTIVE),
    (Notification.PLAN_CHANGED, "sub_1/5", {"previous_plan": "BASIC"}, ACTIVE),
    (Notification.PLAN_CHANGED, "sub_1/5", {"quantity": 3}, {**ACTIVE, "quantity": 3}),
    (Notification.PLAN_CHANGE_SCHEDULED, "sub_1/6", {}, {**ACTIVE, "planned_plan": "PRO"}),
    (Notification.CANCELLATION_SCHEDULED, "sub_1/6", {"access_until": SOON}, ENDING),
    (Notification.CANCELED, "sub_1", {}, CANCELED),
    (Notification.CARD_EXPIRING, "pm_1/2027-01", ON_FILE, ACTIVE),
    (Notification.ABANDONED_CHECKOUT, "after/sub_1", {}, CANCELED),
    (Notification.CARD_EXPIRING, "pm_1/2027-01/2027-03-01", ON_FILE, TRIALING),
]

NO_LONGER_TRUE = [
    (Notification.ABANDONED_CHECKOUT, "after/nothing", {}, ACTIVE, "subscribed meanwhile"),
    (Notification.PLAN_CHANGED, "sub_1/5", {"quantity": 3}, {**ACTIVE, "quantity": 5}, "plan changed again"),
    (Notification.WELCOME, "sub_1", {}, CANCELED, "subscription is over"),
    (Notification.TRIAL_ENDING, "sub_1/x", {"trial_ends_at": SOON}, ACTIVE, "no longer in trial"),
    (Notification.TRIAL_ENDING, "sub_1/x", {"trial_ends_at": SOON}, CANCELED, "subscription is over"),
    (
        Notification.TRIAL_ENDING,
        "sub_1/x",
        {"trial_ends_at": SOON},
        {**TRIALING, "trial_ends_at": SOON + timedelta(days=7)},
        "trial ends at another time",
    ),
    (
        Notification.TRIAL_ENDING,
        "sub_1/x",
        {"trial_ends_at": SOON},
        {**TRIALING, "cancel_at_period_end": True},
        "cancellation is scheduled",
    ),
    (Notification.PAYMENT_FAILED, "in_1/2", {}, ACTIVE, "invoice is no longer open"),
    (Notification.PAYMENT_FAILED, "in_1/2", {}, {**PAST_DUE, "status": "active"}, "subscription is active"),
    (Notification.PAYMENT_FAILED, "in_0/2", {}, PAST_DUE, "another invoice is open"),
    (Notification.ACTION_REQUIRED, "in_1/1", {}, PAST_DUE, "nothing to confirm"),
    (Notification.PAYMENT_RECOVERED, "sub_1/4", {}, PAST_DUE, "no longer active"),
    (Notification.PLAN_CHANGED, "sub_1/5", {}, {**ACTIVE, "plan": "BASIC"}, "plan changed again"),
    (Notification.PLAN_CHANGE_SCHEDULED, "sub_1/6", {}, ACTIVE, "plan stays or changes otherwise"),
    (Notification.CANCELLATION_SCHEDULED, "sub_1/6", {}, ACTIVE, "cancellation was undone"),
    (Notification.CANCELED, "sub_1", {}, ACTIVE, "subscribed again"),
    (Notification.CARD_EXPIRING, "pm_1/2027-01", ON_FILE, {**ACTIVE, "card_last4": "1881"}, "another card is on file"),
    (Notification.CARD_EXPIRING, "pm_1/2026-12", ON_FILE, ACTIVE, "another card is on file"),
    (Notification.CARD_EXPIRING, "pm_1/2026-12/2027-01", ON_FILE, ACTIVE, "another card is on file"),
    (Notification.CARD_EXPIRING, "pm_1/2027-01", ON_FILE, ENDING, "cancellation is scheduled"),
]


@pytest.mark.parametrize(("kind", "occasion", "facts", "standing"), STILL_TRUE)
async def test_a_letter_that_is_due_arrives(
    engine: AsyncEngine, emails: Emails, post: PostOffice, kind: Notification, occasion: str, facts: Any, standing: Any
) -> None:
    await customer(engine, **standing)
    due = await decide(engine, kind, occasion, **facts)
    await send(emails, due)
    [caught] = post.caught
    assert caught.recipients == ("ada@example.com",)
    assert caught.message_id == f"<{due}@perennial.example>"
    assert "Hi Ada," in caught.text
    assert "Pro" in caught.text
    assert caught.html
    headers = dict(caught.headers)
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["From"] == "Perennial <billing@perennial.example>"
    row = await letter(engine, due)
    assert (row.status, row.attempts, row.last_error) == ("sent", 1, None)
    assert row.sent_at is not None


@pytest.mark.parametrize(("kind", "occasion", "facts", "standing", "why"), NO_LONGER_TRUE)
async def test_a_letter_that_is_no_longer_true_is_skipped(
    engine: AsyncEngine,
    emails: Emails,
    post: PostOffice,
    kind: Notification,
    occasion: str,
    facts: Any,
    standing: Any,
    why: str,
) -> None:
    await customer(engine, **standing)
    due = await decide(engine, kind, occasion, **facts)
    await send(emails, due)
    row = await letter(engine, due)
    assert (row.status, row.last_error, row.attempts, row.sent_at) == ("skipped", why, 0, None)
    assert not post.caught
