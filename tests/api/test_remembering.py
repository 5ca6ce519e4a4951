"""Who was let in a moment ago need not be looked up again to read; to write, always."""

from collections.abc import AsyncIterator

import pytest_asyncio

from api.callers import Caller
from api.credentials import SessionToken
from api.identity import Remembered
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, make_settings, running_api

MINE = "/billing/subscriptions/me"


@pytest_asyncio.fixture
async def api(database: str) -> AsyncIterator[Api]:
    """An API that remembers as long as it may."""
    async with running_api(make_settings(database, auth_cache_seconds=5)) as running:
        yield running


def tables(api: Api) -> list[str]:
    """What was asked, but for what the API measures by itself in the background."""
    measured = ("billing.events", "billing.reconciliations")
    return [statement for statement, _ in api.statements if not any(name in statement for name in measured)]


async def test_a_second_read_costs_one_query(api: Api, ada: SignedInUser) -> None:
    await api.client.get(MINE, headers=as_user(ada))
    api.statements.clear()

    await api.client.get(MINE, headers=as_user(ada))

    (asked,) = tables(api)
    assert "billing.subscriptions" in asked


async def test_a_write_asks_every_time_and_what_it_finds_counts_for_reads_too(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id)
    assert (await api.client.get(MINE, headers=as_user(ada))).status_code == 200
    api.rows("delete from session")

    assert (await api.client.delete("/billing/subscriptions", headers=as_user(ada))).status_code == 401
    assert (await api.client.get(MINE, headers=as_user(ada))).status_code == 401


async def test_operators_are_asked_for_every_time(api: Api, ada: SignedInUser) -> None:
    path = "/billing/admin/users/x/letters"
    api.rows("update \"user\" set role = 'support'")
    assert (await api.client.get(path, headers=as_user(ada))).status_code == 200
    api.rows("update \"user\" set role = 'user'")

    assert (await api.client.get(path, headers=as_user(ada))).status_code == 403


async def test_one_users_answer_is_never_anothers(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    api.subscribed(ada.id)
    for _ in range(2):
        assert (await api.client.get(MINE, headers=as_user(ada))).status_code == 200
        assert (await api.client.get(MINE, headers=as_user(bob))).status_code == 404


def test_nobody_is_remembered_for_longer_than_said_or_than_the_session_lasts() -> None:
    now = [0.0]
    remembered = Remembered(5, clock=lambda: now[0])
    remembered.keep(SessionToken("long"), Caller("ada"), 100)
    remembered.keep(SessionToken("short"), Caller("bob"), 2)

    now[0] = 1.9
    assert remembered.get(SessionToken("short")) == Caller("bob")
    now[0] = 2.0
    assert remembered.get(SessionToken("short")) is None
    assert remembered.get(SessionToken("long")) == Caller("ada")
    now[0] = 5.0
    assert remembered.get(SessionToken("long")) is None


def test_no_more_are_remembered_than_said_and_the_oldest_goes_first() -> None:
    remembered = Remembered(5, most=2)
    for name in ("first", "second", "third"):
        remembered.keep(SessionToken(name), Caller(name), 100)

    known = [remembered.get(SessionToken(name)) for name in ("first", "second", "third")]
    assert known == [None, Caller("second"), Caller("third")]
    assert len(remembered._callers) == 2


def test_a_credential_does_not_show_itself() -> None:
    assert "hidden" not in repr(SessionToken("hidden"))
