"""Events that Stripe signed and that are not ours: answered, kept, counted, and not acted upon."""

import time
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.api.conftest import Api, assert_problem, make_settings, running_api
from tests.api.signing import event, signed

DOOR = "/billing/webhooks/stripe"
MINE: dict[str, Any] = {"metadata": {"user_id": "user_1"}}


def noticed(notice: str) -> float:
    return REGISTRY.get_sample_value("perennial_webhook_notices_total", {"notice": notice}) or 0.0


async def deliver(api: Api, one: dict[str, Any]) -> None:
    assert (await api.client.post(DOOR, **signed(one))).status_code == 200


@pytest.mark.parametrize(("key", "livemode"), [("sk_live_1", False), ("rk_live_1", False), ("sk_test_1", True)])
async def test_an_event_of_the_other_mode_is_kept_and_wakes_nobody(database: str, key: str, livemode: bool) -> None:
    before = noticed("other_mode")
    async with running_api(make_settings(database, stripe_api_key=key)) as api:
        await deliver(api, event(**MINE) | {"livemode": livemode})

        assert [row["status"] for row in api.rows("select status from billing.events")] == ["ignored"]
        assert api.relay.woken == 0
        await deliver(api, event(**MINE) | {"livemode": not livemode})
        assert api.relay.woken == 1
    assert noticed("other_mode") == before + 1


async def test_an_event_of_another_account_is_kept_and_wakes_nobody(database: str) -> None:
    before = noticed("other_account")
    async with running_api(make_settings(database, stripe_account="acct_ours")) as api:
        for account in ("acct_theirs", ["acct_ours"], 7):
            await deliver(api, event(**MINE) | {"account": account})
        assert api.relay.woken == 0

        await deliver(api, event(**MINE) | {"account": "acct_ours"})
        await deliver(api, event(**MINE))
        assert api.relay.woken == 2
    assert noticed("other_account") == before + 3


async def test_another_api_version_is_counted_and_acted_upon(api: Api) -> None:
    before = noticed("other_api_version")

    await deliver(api, event(**MINE) | {"api_version": "2020-08-27"})

    assert api.relay.woken == 1
    assert noticed("other_api_version") == before + 1


async def test_an_event_that_the_ledger_may_have_forgotten_is_never_new_again(api: Api) -> None:
    before = noticed("forgotten")
    days = api.settings.events_kept_days

    await deliver(api, event(**MINE) | {"created": int(time.time()) - days * 86_400 - 60})

    assert api.rows("select id from billing.events") == []
    assert noticed("forgotten") == before + 1
    await deliver(api, event(**MINE) | {"created": int(time.time()) - days * 86_400 + 60})
    assert api.relay.woken == 1


async def test_forgeries_are_limited_and_stripe_never_is(database: str) -> None:
    async with running_api(make_settings(database, rate_webhooks="3/day")) as api:
        for _ in range(3):
            assert_problem(await api.client.post(DOOR, **signed(event(), secret="whsec_guess")), 400, "bad_signature")
        limited = await api.client.post(DOOR, **signed(event(), at=time.time() - 3600))

        assert_problem(limited, 429, "rate_limited")
        assert int(limited.headers["retry-after"]) >= 1
        for _ in range(10):
            await deliver(api, event(**MINE))
        assert api.relay.woken == 10


async def test_deliveries_without_end_are_forgeries_and_what_stripe_signed_never_is(database: str) -> None:
    async with running_api(make_settings(database, rate_webhooks="3/day", rate_anonymous="1/day")) as api:
        huge = b" " * (api.settings.webhook_max_bytes + 1)
        for _ in range(3):
            assert_problem(await api.client.post(DOOR, content=huge), 413, "body_too_large")
        assert_problem(await api.client.post(DOOR, content=huge), 429, "rate_limited")

        for _ in range(5):
            assert_problem(await api.client.post(DOOR, **signed(b"[]")), 400, "malformed_event")
            assert_problem(await api.client.post(DOOR, **signed(b"{")), 400, "malformed_json")
