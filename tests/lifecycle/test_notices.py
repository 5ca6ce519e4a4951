"""The most urgent thing to tell a customer. Everything at once is told one after the other as it is dealt with."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lifecycle.access import Standing
from lifecycle.facts import Card
from lifecycle.notices import Notice, NoticeKind, Situation, notice_at
from lifecycle.statuses import Status
from tests.lifecycle.looks import BEGAN, day

PAY, UPGRADE = "https://pay", "https://upgrade"
MARCH = Card("", 3, 2026)


def at(status: Status, **more: Any) -> Situation:
    """In the first month, which ends on day 31."""
    names = Standing.__dataclass_fields__.keys()
    standing = {name: value for name, value in more.items() if name in names}
    rest = {name: value for name, value in more.items() if name not in names}
    known = Standing(status, **({"current_period_ends_at": day(31)} | standing))
    return Situation(known, **({"started_at": BEGAN, "period_starts_at": BEGAN} | rest))


LATE = {"grace_ends_at": day(45), "has_open_invoice": True, "invoice_url": PAY}
IN_TRIAL: dict[str, Any] = {"trial_ends_at": day(14), "current_period_ends_at": day(14)}


@pytest.mark.parametrize(
    ("situation", "now", "notice"),
    [
        (at(Status.ACTIVE), day(1), None),
        (at(Status.PAST_DUE, **LATE, action_required=True), day(32), Notice(NoticeKind.ACTION_REQUIRED, day(45), PAY)),
        (
            at(Status.INCOMPLETE, has_open_invoice=True, action_required=True, invoice_url=PAY),
            BEGAN,
            Notice(NoticeKind.ACTION_REQUIRED, BEGAN + timedelta(hours=23), PAY),
        ),
        (at(Status.PAST_DUE, **LATE), day(32), Notice(NoticeKind.PAYMENT_FAILED, day(45), PAY)),
        (at(Status.PAST_DUE, **LATE), day(46), Notice(NoticeKind.PAYMENT_FAILED, None, PAY)),
        (at(Status.UNPAID, **LATE), day(46), Notice(NoticeKind.PAYMENT_FAILED, None, PAY)),
        (
            at(Status.ACTIVE, upgrade_url=UPGRADE, upgrade_until=day(2)),
            day(1),
            Notice(NoticeKind.UPGRADE_UNPAID, day(2), UPGRADE),
        ),
        (at(Status.ACTIVE, upgrade_url=UPGRADE, upgrade_until=day(2)), day(2), None),
        (at(Status.TRIALING, **IN_TRIAL), day(10.9), None),
        (at(Status.TRIALING, **IN_TRIAL), day(11), Notice(NoticeKind.TRIAL_ENDING, day(14))),
        (at(Status.TRIALING, **IN_TRIAL, trial_reminder_days=5), day(9), Notice(NoticeKind.TRIAL_ENDING, day(14))),
        (at(Status.TRIALING, trial_ends_at=day(2)), BEGAN, None),
        (at(Status.TRIALING, trial_ends_at=day(2)), day(1), Notice(NoticeKind.TRIAL_ENDING, day(2))),
        (at(Status.TRIALING, **IN_TRIAL), day(14), None),
        (
            at(Status.TRIALING, **IN_TRIAL, cancel_at_period_end=True),
            day(12),
            Notice(NoticeKind.CANCELLATION_SCHEDULED, day(14)),
        ),
        (at(Status.ACTIVE, cancel_at=day(20)), day(1), Notice(NoticeKind.CANCELLATION_SCHEDULED, day(20))),
        (at(Status.ACTIVE, card=MARCH), day(1), Notice(NoticeKind.CARD_EXPIRING, day(31))),
        (at(Status.ACTIVE, card=MARCH, cancel_at=day(20)), day(21), None),
        (at(Status.ACTIVE, card=Card("", 4, 2026)), day(30), None),
        (at(Status.ACTIVE, card=Card("", 2, 2026)), day(30), None),
        (at(Status.ACTIVE, card=MARCH), day(31), None),
        (at(Status.TRIALING, card=Card("", 2, 2026), **IN_TRIAL), day(1), Notice(NoticeKind.CARD_EXPIRING, day(14))),
        (at(Status.ACTIVE, card=Card("", 11, 2026), current_period_ends_at=day(365)), day(100), None),
        (
            at(Status.ACTIVE, card=Card("", 11, 2026), current_period_ends_at=day(365)),
            day(245),
            Notice(NoticeKind.CARD_EXPIRING, day(365)),
        ),
        (at(Status.PAUSED), day(1), Notice(NoticeKind.PAUSED)),
        (at(Status.CANCELED, **LATE), day(46), None),
        (at(Status.NONE), day(1), None),
        (at(Status.PAST_DUE, **LATE, is_suspended=True), day(32), None),
    ],
)
def test_what_is_told(situation: Situation, now: datetime, notice: Notice | None) -> None:
    assert notice_at(situation, now) == notice


def test_of_everything_at_once_the_most_urgent_is_told() -> None:
    everything = at(
        Status.PAST_DUE,
        **LATE,
        action_required=True,
        upgrade_url=UPGRADE,
        upgrade_until=day(40),
        cancel_at=day(60),
        card=MARCH,
    )
    told = []
    for dealt_with in (
        {"action_required": False},
        {"standing": replace(everything.standing, status=Status.ACTIVE, grace_ends_at=None)},
        {"upgrade_url": None},
    ):
        told.append(notice_at(everything, day(30)))
        everything = replace(everything, **dealt_with)  # type: ignore[arg-type]
    told.append(notice_at(everything, day(30)))
    assert [notice and notice.kind for notice in told] == [
        NoticeKind.ACTION_REQUIRED,
        NoticeKind.PAYMENT_FAILED,
        NoticeKind.UPGRADE_UNPAID,
        NoticeKind.CANCELLATION_SCHEDULED,
    ]
