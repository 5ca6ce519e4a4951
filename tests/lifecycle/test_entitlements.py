"""What a subscription grants: a table of standings, and that the clock alone takes everything away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.access import AccessReason, Standing
from lifecycle.entitlements import Denial, Entitlements, Verdict, entitlements_at, has_room, may_use
from lifecycle.grants import Limit
from lifecycle.plans import load_catalogue
from lifecycle.statuses import Status
from settings import ROOT
from tests.lifecycle.test_access import standings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOON, PAST = NOW + timedelta(days=1), NOW - timedelta(seconds=1)
CATALOGUE = load_catalogue(ROOT / "plans.toml")
PAID = Standing(Status.ACTIVE)
NOTHING = {"projects": 0, "seats": 0, "tasks": 0}


def entitled(standing: Standing = PAID, plan: str | None = "BASIC", seats: int = 1, **at: Any) -> Entitlements:
    return entitlements_at(CATALOGUE, plan, seats, standing, at.get("now", NOW))


@pytest.mark.parametrize(
    ("plan", "seats", "limits", "features"),
    [
        ("FREE", 1, {"projects": 1, "tasks": 20, "seats": 1}, ()),
        ("BASIC", 1, {"projects": 3, "tasks": 100, "seats": 1}, ("email_support",)),
        ("BASIC", 4, {"projects": 3, "tasks": 100, "seats": 4}, ("email_support",)),  # somebody gave them in Stripe
        ("PRO", 7, {"projects": 50, "tasks": 10000, "seats": 7}, ("email_support", "priority_support")),
        (
            "ENTERPRISE", 1, {"projects": "unlimited", "tasks": "unlimited", "seats": "unlimited"},
            ("email_support", "priority_support", "named_contact"),
        ),
        ("RETIRED", 3, NOTHING, ()),
        (None, 1, NOTHING, ()),
    ],
)  # fmt: skip
def test_what_plans_grant(plan: str | None, seats: int, limits: dict[str, Limit], features: tuple[str, ...]) -> None:
    answer = entitled(plan=plan, seats=seats)

    assert (answer.limits, answer.features, answer.access.granted) == (limits, features, True)


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing(Status.NONE), "no_subscription"),
        (Standing(Status.TRIALING, trial_ends_at=PAST), "trial_ended"),
        (Standing(Status.PAST_DUE, grace_ends_at=NOW), "grace_ended"),
        (Standing(Status.ACTIVE, cancel_at=PAST), "period_ended"),
        (Standing(Status.ACTIVE, is_suspended=True), "suspended"),
        (Standing(Status.UNPAID), "unpaid"),
        (Standing(Status.CANCELED), "canceled"),
    ],
)
def test_without_access_there_is_nothing_whatever_the_plan(standing: Standing, reason: str) -> None:
    answer = entitled(standing, "ENTERPRISE", 9)

    assert (answer.limits, answer.features) == (NOTHING, ())
    assert has_room(answer, "tasks", 1, 0) == Verdict(False, AccessReason(reason), limit=0, used=0, remaining=0)
    assert not has_room(answer, "seats", 0, 3).allowed
    assert may_use(answer, "priority_support") == Verdict(False, AccessReason(reason))


def test_grace_and_trial_grant_everything_until_they_end() -> None:
    for status, deadline, reason in ((Status.PAST_DUE, "grace_ends_at", "grace"),
                                     (Status.TRIALING, "trial_ends_at", "trial")):  # fmt: skip
        answer = entitled(Standing(status, **{deadline: SOON}))
        expected = Verdict(True, AccessReason(reason), SOON, limit=3, used=2, remaining=1)
        assert has_room(answer, "projects", 1, 2) == expected
        assert may_use(answer, "email_support") == Verdict(True, AccessReason(reason), SOON)


@pytest.mark.parametrize(
    ("plan", "name", "quantity", "used", "expected"),
    [
        ("BASIC", "projects", 1, 2, Verdict(True, AccessReason.PAID, None, 3, 2, 1)),
        ("BASIC", "projects", 2, 2, Verdict(False, Denial.LIMIT_REACHED, None, 3, 2, 1)),
        ("BASIC", "projects", 1, 3, Verdict(False, Denial.LIMIT_REACHED, None, 3, 3, 0)),
        ("BASIC", "projects", 1, 9, Verdict(False, Denial.LIMIT_REACHED, None, 3, 9, 0)),  # more than now is sold
        ("BASIC", "projects", 0, 9, Verdict(True, AccessReason.PAID, None, 3, 9, 0)),
        ("BASIC", "tasks", 100, None, Verdict(True, AccessReason.PAID, None, 100, None, None)),
        ("BASIC", "tasks", 101, None, Verdict(False, Denial.LIMIT_REACHED, None, 100, None, None)),
        ("ENTERPRISE", "tasks", 10**9, 5, Verdict(True, AccessReason.PAID, None, "unlimited", 5, "unlimited")),
        ("ENTERPRISE", "tasks", 10**9, None, Verdict(True, AccessReason.PAID, None, "unlimited", None, None)),
        ("BASIC", "rockets", 1, 0, Verdict(False, Denial.NOT_IN_PLAN, None, 0, 0, 0)),
    ],
)
def test_how_much_more_fits(plan: str, name: str, quantity: int, used: int | None, expected: Verdict) -> None:
    assert has_room(entitled(plan=plan), name, quantity, used) == expected


def test_a_feature_is_in_the_plan_or_is_not() -> None:
    assert may_use(entitled(plan="PRO"), "priority_support") == Verdict(True, AccessReason.PAID)
    assert may_use(entitled(plan="BASIC"), "priority_support") == Verdict(False, Denial.NOT_IN_PLAN)
    assert may_use(entitled(plan="BASIC"), "projects") == Verdict(False, Denial.NOT_IN_PLAN)


@given(standings, st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_yes_ends_when_it_says_and_never_outlives_access(standing: Standing, now: datetime) -> None:
    answer = entitled(standing, "PRO", 5, now=now)
    verdict = has_room(answer, "seats", 1, 4)

    assert verdict.allowed is may_use(answer, "priority_support").allowed is answer.access.granted
    if verdict.until is not None:
        assert not has_room(entitled(standing, "PRO", 5, now=verdict.until), "seats", 1, 4).allowed
