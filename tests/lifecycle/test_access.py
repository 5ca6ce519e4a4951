from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.access import Access, AccessReason, Standing, access_at
from lifecycle.statuses import Status

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=9)
PAST = NOW - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("standing", "granted", "until", "reason"),
    [
        (Standing(Status.NONE), False, None, "no_subscription"),
        (Standing(Status.ACTIVE, is_suspended=True), False, None, "suspended"),
        (Standing(Status.TRIALING, trial_ends_at=LATER, is_suspended=True), False, None, "suspended"),
        (Standing(Status.CANCELED, is_suspended=True), False, None, "canceled"),
        (Standing(Status.INCOMPLETE), False, None, "payment_incomplete"),
        (Standing(Status.INCOMPLETE_EXPIRED), False, None, "payment_incomplete"),
        (Standing(Status.TRIALING, trial_ends_at=SOON), True, SOON, "trial"),
        (Standing(Status.TRIALING, trial_ends_at=NOW), False, None, "trial_ended"),
        (Standing(Status.TRIALING, trial_ends_at=PAST), False, None, "trial_ended"),
        (Standing(Status.TRIALING), False, None, "trial_ended"),
        (Standing(Status.TRIALING, trial_ends_at=LATER, cancel_at=SOON), True, SOON, "cancellation_scheduled"),
        (Standing(Status.ACTIVE, current_period_ends_at=SOON), True, None, "paid"),
        (Standing(Status.ACTIVE, current_period_ends_at=PAST), True, None, "paid"),
        (
            Standing(Status.ACTIVE, current_period_ends_at=SOON, cancel_at_period_end=True),
            True, SOON, "cancellation_scheduled",
        ),
        (Standing(Status.ACTIVE, current_period_ends_at=NOW, cancel_at_period_end=True), False, None, "period_ended"),
        (Standing(Status.ACTIVE, cancel_at=PAST), False, None, "period_ended"),
        (Standing(Status.PAST_DUE, grace_ends_at=SOON), True, SOON, "grace"),
        (Standing(Status.PAST_DUE, grace_ends_at=NOW), False, None, "grace_ended"),
        (Standing(Status.PAST_DUE), False, None, "grace_ended"),
        (Standing(Status.PAST_DUE, grace_ends_at=LATER, cancel_at=SOON), True, SOON, "cancellation_scheduled"),
        (Standing(Status.UNPAID, grace_ends_at=SOON), True, SOON, "grace"),
        (Standing(Status.UNPAID, grace_ends_at=NOW), False, None, "unpaid"),
        (Standing(Status.UNPAID), False, None, "unpaid"),
        (Standing(Status.UNPAID, grace_ends_at=LATER, cancel_at=SOON), True, SOON, "cancellation_scheduled"),
        (Standing(Status.UNPAID, grace_ends_at=LATER, cancel_at=PAST), False, None, "period_ended"),
        (Standing(Status.PAUSED), False, None, "paused"),
        (Standing(Status.CANCELED, current_period_ends_at=LATER), False, None, "canceled"),
    ],
)  # fmt: skip
def test_who_has_access(standing: Standing, granted: bool, until: datetime | None, reason: str) -> None:
    assert access_at(standing, NOW) == Access(granted, until, AccessReason(reason))


moments = st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
standings = st.builds(
    Standing,
    status=st.sampled_from(Status),
    trial_ends_at=moments,
    current_period_ends_at=moments,
    cancel_at_period_end=st.booleans(),
    cancel_at=moments,
    grace_ends_at=moments,
)


@given(standings, st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_access_ends_exactly_when_it_says_and_never_comes_back_by_itself(standing: Standing, now: datetime) -> None:
    access = access_at(standing, now)

    if access.until is not None:
        assert access.granted
        assert now < access.until
        assert access_at(standing, access.until - timedelta(microseconds=1)).granted
        assert not access_at(standing, access.until).granted
    if not access.granted:
        assert not access_at(standing, now + timedelta(days=400)).granted
