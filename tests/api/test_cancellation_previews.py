"""What a cancellation would do: shown by the rules that the subscription was sold under, and nothing is changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from activities.previews import OpenInvoice
from lifecycle.leaving import PeriodPayment
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, assert_problem

NOW = datetime(2026, 11, 16, tzinfo=UTC)
PERIOD_STARTS, PERIOD_ENDS = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
POLICY = {
    "version": 7,
    "grace_days": 14,
    "max_payment_attempts": 8,
    "trial_reminder_days": 3,
    "short_trial_reminder_days": 1,
    "refund_on_cancel": "prorated",
}
OPEN = OpenInvoice("in_2", 1000, "usd", "https://invoice.stripe.test/in_2")


@pytest.fixture
def on_the_sixteenth(api: Api) -> Api:
    api.now[:] = [NOW]
    api.previews.paid = [PeriodPayment("in_1", "ch_1", 1000, "usd", PERIOD_STARTS, PERIOD_ENDS)]
    return api


async def ask(api: Api, who: SignedInUser, body: dict[str, Any]) -> httpx.Response:
    return await api.client.post("/billing/subscriptions/preview", json=body, headers=as_user(who))


def has(api: Api, who: SignedInUser, **more: Any) -> None:
    usual = {"stripe_subscription_id": f"sub_{who.id}", "current_period_ends_at": PERIOD_ENDS, "policy": Jsonb(POLICY)}
    api.subscribed(who.id, **(usual | more))


async def test_at_the_end_of_the_period_access_stays_until_then_and_nothing_goes_back(
    on_the_sixteenth: Api, ada: SignedInUser
) -> None:
    has(on_the_sixteenth, ada)
    shown = await ask(on_the_sixteenth, ada, {"cancel": "period_end"})
    assert shown.json() == {
        "timing": "period_end",
        "effective_at": "2026-12-01T00:00:00Z",
        "access_until": "2026-12-01T00:00:00Z",
        "refund": {"amount": 0, "currency": "usd"},
        "voided_invoices": [],
        "drops_planned_change": False,
    }


async def test_at_once_access_ends_now_and_the_rule_that_it_was_sold_under_says_what_goes_back(
    on_the_sixteenth: Api, ada: SignedInUser
) -> None:
    has(on_the_sixteenth, ada, planned_at=PERIOD_ENDS, planned_plan="PRO")
    shown = (await ask(on_the_sixteenth, ada, {"cancel": "now"})).json()
    assert (shown["timing"], shown["access_until"]) == ("now", "2026-11-16T00:00:00Z")
    assert shown["refund"] == {"amount": 500, "currency": "usd"}
    assert shown["drops_planned_change"]

    has(on_the_sixteenth, ada, policy=Jsonb(POLICY | {"refund_on_cancel": "none"}))
    assert (await ask(on_the_sixteenth, ada, {"cancel": "now"})).json()["refund"]["amount"] == 0
    has(on_the_sixteenth, ada, policy=None)
    assert (await ask(on_the_sixteenth, ada, {"cancel": "now"})).json()["refund"]["amount"] == 0
    assert on_the_sixteenth.door.carried_out == []


async def test_while_a_bank_decides_nothing_goes_back(on_the_sixteenth: Api, ada: SignedInUser) -> None:
    has(on_the_sixteenth, ada)
    on_the_sixteenth.rows(
        "insert into billing.timeline (user_id, seq, position, at, entry, cause, detail) "
        "values (%s, 1, 0, now(), 'payment_disputed', 'event', %s)",
        ada.id,
        Jsonb({"dispute": "dp_1", "status": "needs_response"}),
    )
    assert (await ask(on_the_sixteenth, ada, {"cancel": "now"})).json()["refund"]["amount"] == 0


async def test_while_past_due_it_ends_at_once_and_the_open_invoice_is_named(
    on_the_sixteenth: Api, ada: SignedInUser
) -> None:
    on_the_sixteenth.previews.open = [OPEN]
    has(on_the_sixteenth, ada, status="past_due", open_invoice_id="in_2", grace_ends_at=NOW + timedelta(days=9))
    shown = (await ask(on_the_sixteenth, ada, {"cancel": "period_end"})).json()
    assert (shown["timing"], shown["effective_at"], shown["access_until"]) == ("now", *["2026-11-16T00:00:00Z"] * 2)
    assert shown["refund"]["amount"] == 0
    assert shown["voided_invoices"] == [{"amount": 1000, "currency": "usd", "url": OPEN.url}]


async def test_an_upgrade_that_waits_is_forgotten_and_other_invoices_stay_until_the_end(
    on_the_sixteenth: Api, ada: SignedInUser
) -> None:
    on_the_sixteenth.previews.open = [OPEN, OpenInvoice("in_3", 2000, "usd", "https://invoice.stripe.test/in_3")]
    upgrade = {"planned_at": PERIOD_ENDS, "planned_plan": "PRO", "planned_invoice_url": OPEN.url}
    has(on_the_sixteenth, ada, **upgrade)
    later = (await ask(on_the_sixteenth, ada, {"cancel": "period_end"})).json()
    now = (await ask(on_the_sixteenth, ada, {"cancel": "now"})).json()
    assert [invoice["amount"] for invoice in later["voided_invoices"]] == [1000]
    assert [invoice["amount"] for invoice in now["voided_invoices"]] == [1000, 2000]
    assert later["drops_planned_change"]


async def test_in_a_trial_access_stays_until_the_trial_ends(on_the_sixteenth: Api, ada: SignedInUser) -> None:
    ends = NOW + timedelta(days=5)
    has(on_the_sixteenth, ada, status="trialing", trial_ends_at=ends, current_period_ends_at=ends)
    later = (await ask(on_the_sixteenth, ada, {"cancel": "period_end"})).json()
    assert (later["access_until"], later["refund"]["amount"]) == ("2026-11-21T00:00:00Z", 0)
    assert (await ask(on_the_sixteenth, ada, {"cancel": "now"})).json()["refund"]["amount"] == 0


async def test_without_access_there_is_no_end_of_it(on_the_sixteenth: Api, ada: SignedInUser) -> None:
    has(on_the_sixteenth, ada, status="paused")
    assert (await ask(on_the_sixteenth, ada, {"cancel": "now"})).json()["access_until"] is None


async def test_what_would_be_refused_is_refused_here_too(on_the_sixteenth: Api, ada: SignedInUser) -> None:
    assert_problem(await ask(on_the_sixteenth, ada, {"cancel": "now"}), 404, "no_subscription")
    has(on_the_sixteenth, ada, status="canceled")
    assert_problem(await ask(on_the_sixteenth, ada, {"cancel": "now"}), 404, "no_subscription")
    has(on_the_sixteenth, ada, cancel_at=PERIOD_ENDS, cancel_at_period_end=True)
    assert_problem(await ask(on_the_sixteenth, ada, {"cancel": "period_end"}), 409, "already_canceling")
    assert (await ask(on_the_sixteenth, ada, {"cancel": "now"})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"plan": "PRO", "cancel": "now"},
        {"cancel": "now", "interval": "month"},
        {"cancel": "now", "promotion_code": "WELCOME20"},
        {"cancel": "tomorrow"},
        {"cancel": None},
        {"plan": None},
        {"cancel": "now", "plan": None},
    ],
)
async def test_exactly_one_thing_is_asked(on_the_sixteenth: Api, ada: SignedInUser, body: dict[str, Any]) -> None:
    assert_problem(await ask(on_the_sixteenth, ada, body), 422, "invalid_request")
