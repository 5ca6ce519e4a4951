"""Any wishes in any order, any time between them, messages that get lost: the books agree whenever they are compared.

``PERENNIAL_EXAMPLES=50`` looks at fifty other lives instead of a few that are always the same.
"""

import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import stripe
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from lifecycle.access import Standing, access_at
from lifecycle.statuses import Status
from local.programs import Mailbox
from settings import Settings
from tests.fixtures.books import catch_up, contradictions, differences, lives_of
from tests.fixtures.worlds import Customer, World, settings_for

EXAMPLES = int(os.environ.get("PERENNIAL_EXAMPLES", "0"))

PLANS = st.sampled_from(["BASIC", "PRO", "ENTERPRISE"])
INTERVALS = st.sampled_from(["month", "month", "month", "year"])
CARDS = st.sampled_from(["pm_card_visa", "pm_card_visa", "pm_card_chargeCustomerFail"])
ODDS = st.sampled_from([0.0, 0.3, 0.7])

WISHES = st.one_of(
    st.tuples(st.just("subscribe"), PLANS, INTERVALS, st.none() | CARDS, st.sampled_from([0, None])),
    st.tuples(st.just("change"), PLANS, INTERVALS),
    st.tuples(st.just("cancel"), st.sampled_from(["period_end", "now"])),
    st.tuples(st.just("resume")),
    st.tuples(st.just("card"), CARDS),
    st.tuples(st.just("pay")),
)
TIMES = st.tuples(st.just("wait"), st.sampled_from([1, 12, 24 * 5, 24 * 14, 24 * 32]))
CHAOS = st.tuples(st.just("chaos"), st.integers(0, 1000), ODDS, ODDS, ODDS)
LIVES = st.tuples(
    st.tuples(st.just("subscribe"), PLANS, INTERVALS, st.none() | CARDS, st.sampled_from([0, None])),
    st.lists(st.one_of(WISHES, WISHES, TIMES, CHAOS), min_size=4, max_size=10),
).map(lambda life: [life[0], *life[1]])


@pytest.fixture
def world_settings(database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox) -> Settings:
    """A Stripe of its own: what is lost here must not be found in another test."""
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox)


@pytest_asyncio.fixture
async def stripe_control(world_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The local Stripe's own buttons."""
    async with httpx.AsyncClient(base_url=f"{world_settings.stripe_api_url}/_local", trust_env=False) as http:
        yield http


@settings(
    max_examples=EXAMPLES or 3,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=False,
)
@given(life=LIVES)
@pytest.mark.timeout(120 + EXAMPLES * 60)
async def test_any_life_agrees_with_stripes_books(
    world: World, stripe_control: httpx.AsyncClient, life: list[tuple[Any, ...]]
) -> None:
    ada = await world.customer()
    await stripe_control.post("/webhooks/chaos", json={})
    for step in life:
        match step:
            case ("chaos", seed, double, reorder, drop):
                odds = {"seed": seed, "double": double, "reorder": reorder, "drop": drop}
                await stripe_control.post("/webhooks/chaos", json=odds)
            case ("wait", hours):
                await ada.travel(hours=hours)
                await agrees(ada)
            case _:
                note(f"{step}: {await wishes(ada, *step)}")
                await ada.settled()
    await agrees(ada)


async def wishes(ada: Customer, wish: str, *about: Any) -> int | str | None:
    """What a customer may do at any time; the answer's status, which is never a 500."""
    match wish, about:
        case "subscribe", (plan, interval, card, days):
            days = {} if days is None else {"trial_period_days": days}
            answer = await ada.subscribe(plan, card, **days | {"interval": interval})
        case "change", (plan, interval):
            answer = await ada.ask("PATCH", "/subscriptions/plan", {"plan": plan, "interval": interval})
        case "cancel", (timing,):
            answer = await ada.ask("DELETE", f"/subscriptions?timing={timing}")
        case "resume", ():
            answer = await ada.ask("POST", "/subscriptions/resume")
        case _:
            return await on_stripes_pages(ada, wish, *about)
    assert answer.status_code in {200, 201, 202, 402, 404, 409, 422}, answer.text
    return answer.status_code


async def on_stripes_pages(ada: Customer, wish: str, *about: Any) -> str | None:
    lives = await lives_of(ada.world, ada)
    if not lives:
        return "no customer"
    if wish == "card":
        return await ada.use_card(*about)
    invoice = lives[0]["latest_invoice"]
    if not invoice or invoice["status"] != "open":
        return "nothing to pay"
    try:
        await ada.world.stripe.v1.invoices.pay_async(invoice["id"])
    except stripe.CardError as declined:
        return str(declined.code)
    return None


async def agrees(ada: Customer) -> None:
    """Once lost messages were caught up with."""
    await catch_up(ada.world, ada)
    assert await differences(ada.world, ada) == []
    await ada.letters()
    assert await contradictions(ada.world, ada) == []
    rows = await ada.world.rows("select * from billing.subscriptions where user_id = :id", id=ada.id)
    for row in rows:
        mine = await ada.mine()
        assert mine["access"]["granted"] == await is_entitled(ada, row), mine


async def is_entitled(ada: Customer, row: Any) -> bool:
    """By the pure rule, from the books that agree with Stripe's."""
    standing = Standing(
        status=Status(row.status),
        trial_ends_at=row.trial_ends_at,
        current_period_ends_at=row.current_period_ends_at,
        cancel_at_period_end=row.cancel_at_period_end,
        cancel_at=row.cancel_at,
        grace_ends_at=row.grace_ends_at,
    )
    return access_at(standing, await ada.world.travel.now(ada.id)).granted
