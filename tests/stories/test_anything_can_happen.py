"""Any wishes in any order, any trouble, any time between: nobody pays twice, and access is as it should be.

A life is a list of steps. One that fails is shortened by Hypothesis and printed: put the list into ``PERENNIAL_LIFE``
to live it again, or make a story of it. ``PERENNIAL_EXAMPLES=200`` looks at as many other lives instead of a few that
are always the same, ``PERENNIAL_SEED`` at others again.
"""

import ast
import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.engine import make_url

from local.programs import Mailbox
from settings import Settings
from tests.fixtures.books import catch_up, sweep
from tests.fixtures.databases import setting_up
from tests.fixtures.fairness import complaints
from tests.fixtures.fault_proxy import FaultProxy
from tests.fixtures.plans_files import with_three_ends_of_a_trial
from tests.fixtures.troubles import Troubles, troubled
from tests.fixtures.wishes import Person, answered, asked, clicked
from tests.fixtures.worlds import Customer, World, settings_for

EXAMPLES = int(os.environ.get("PERENNIAL_EXAMPLES", "0"))
SEED = int(os.environ.get("PERENNIAL_SEED", "0"))
LIFE = os.environ.get("PERENNIAL_LIFE")

Step = tuple[Any, ...]

PLANS = st.sampled_from(["BASIC", "PRO", "ENTERPRISE", "BASIC", "PRO", "ENTERPRISE", "FREE"])
INTERVALS = st.sampled_from(["month", "month", "month", "year"])
GOOD, DECLINES, ASKS = "pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"
CARDS = st.sampled_from([GOOD, GOOD, DECLINES, ASKS])
ODDS = st.sampled_from([0.0, 0.3, 0.7])

DASHBOARD = ["cancel_now", "cancel_later", "keep", "extend_trial", "void", "write_off", "swap", "refund", "second"]
SUBSCRIBE = st.tuples(st.just("subscribe"), PLANS, INTERVALS, st.none() | CARDS, st.sampled_from([0, 0, None]))
WISHES = st.one_of(
    SUBSCRIBE,
    st.tuples(st.just("change"), PLANS, INTERVALS),
    st.tuples(st.just("cancel"), st.sampled_from(["period_end", "now"])),
    st.tuples(st.just("resume")),
    st.tuples(st.just("convert"), st.none() | CARDS),
    st.tuples(st.just("seats"), st.integers(1, 4)),
    st.tuples(st.just("trial_end"), st.sampled_from([None, 2, 20])),
    st.tuples(st.just("refund"), st.sampled_from([None, 1, 500])),
    st.tuples(st.just("checkout"), PLANS),
)
ELSEWHERE = st.one_of(
    st.tuples(st.just("card"), CARDS),
    st.tuples(st.just("chosen_card"), CARDS),
    st.tuples(st.just("pay")),
    st.tuples(st.just("card_on_the_portal_page"), CARDS),
    st.tuples(st.just("confirm"), st.sampled_from(["succeed", "fail"])),
    st.tuples(st.just("finish_checkout"), st.sampled_from([GOOD, ASKS])),
    st.tuples(st.just("dispute")),
    st.tuples(st.just("in_dashboard"), st.sampled_from(DASHBOARD)),
)
TIMES = st.tuples(st.just("wait"), st.sampled_from([1, 12, 24 * 3, 24 * 8, 24 * 15, 24 * 32, 24 * 70]))
MOMENTS = ["current_period_ends_at", "trial_ends_at", "grace_ends_at", "next_payment_attempt_at", "planned_at"]
NEAR = st.tuples(st.just("near"), st.sampled_from(MOMENTS), st.sampled_from([-10, 10, 70]))
FAULTS = st.tuples(
    st.sampled_from(["reset_after", "error_after", "error_before", "reset_before", "unavailable", "conflict"]),
    st.sampled_from(["POST", "POST", "DELETE", "GET", None]),
    st.sampled_from([None, "/v1/subscriptions", "/v1/invoices", "/v1/customers", "/v1/refunds", "/v1/payment_methods"]),
    st.integers(1, 3),
)
SLEEPS = st.tuples(st.just("asleep"), st.sampled_from([5, 24 * 4, 24 * 20, 24 * 32]))
PARTS = st.sampled_from(["worker", "postgres", "temporal", "mail"])
STEPS = st.one_of(
    WISHES,
    WISHES,
    WISHES,
    ELSEWHERE,
    ELSEWHERE,
    TIMES,
    NEAR,
    NEAR,
    SLEEPS,
    st.tuples(st.just("twice"), WISHES),
    st.tuples(st.just("at_once"), WISHES, st.one_of(WISHES, ELSEWHERE)),
    st.tuples(st.just("struck"), FAULTS, st.one_of(WISHES, WISHES, TIMES, NEAR)),
    st.tuples(st.just("away"), PARTS, WISHES),
    st.tuples(st.just("messages"), st.integers(0, 1000), ODDS, ODDS, ODDS),
    st.tuples(st.just("account"), st.sampled_from(["cancel", "unpaid", "past_due"])),
)
PAID = ("subscribe", "BASIC", "month", GOOD, 0)
BEGINNINGS: st.SearchStrategy[list[Step]] = st.one_of(
    SUBSCRIBE.map(lambda step: [step]),
    st.just([("subscribe", "PRO", "month", None, None)]),
    st.just([("subscribe", "ENTERPRISE", "month", None, None), ("wait", 24 * 32)]),
    st.just([("checkout", "BASIC"), ("finish_checkout", GOOD)]),
    st.just([PAID]),
    st.just([PAID, ("card", DECLINES), ("wait", 24 * 31 + 2)]),
    st.just([("subscribe", "PRO", "month", GOOD, 0), ("card", DECLINES), ("wait", 24 * 31 + 2)]),
    st.just([PAID, ("card", ASKS), ("change", "PRO", "month")]),
    st.just([("subscribe", "PRO", "month", GOOD, 0), ("wait", 24 * 3), ("change", "BASIC", "month")]),
    st.just([("checkout", "PRO"), PAID]),
)
"""Lives begin where something is at stake: most steps of somebody who never paid are refused."""

LIVES = st.tuples(BEGINNINGS, st.lists(STEPS, min_size=4, max_size=12)).map(lambda life: [*life[0], *life[1]])


@pytest_asyncio.fixture
async def lines(database: str, temporal_server: str, mailbox: Mailbox) -> AsyncIterator[dict[str, FaultProxy]]:
    async with (
        FaultProxy(make_url(database).port or 0) as postgres,
        FaultProxy(int(temporal_server.rpartition(":")[2])) as temporal,
        FaultProxy(mailbox.smtp_port) as mail,
    ):
        yield {"postgres": postgres, "temporal": temporal, "mail": mail}


@pytest.fixture
def world_settings(
    lines: dict[str, FaultProxy], database: str, fresh_local_stripe: str, mailbox: Mailbox, tmp_path: Path
) -> Settings:
    """A Stripe of its own, lines that can be cut, little patience, and a plan of each kind."""
    own = '\n[plans.PRO.policy]\ngrace_days = 7\nafter_grace = "unpaid"\n[plans.ENTERPRISE.policy]\ngrace_days = 3\n'
    plans = with_three_ends_of_a_trial(tmp_path, f'{own}refund_on_cancel = "prorated"\n')
    url = make_url(database).set(port=lines["postgres"].port).render_as_string(hide_password=False)
    more = {"smtp_port": lines["mail"].port, "request_deadline_seconds": 1.5, "stripe_timeout_seconds": 2}
    address = f"127.0.0.1:{lines['temporal'].port}"
    return settings_for(url, address, fresh_local_stripe, mailbox, **more, plans_file=plans)


@pytest_asyncio.fixture
async def troubles(world: World, lines: dict[str, FaultProxy]) -> AsyncIterator[Troubles]:
    async with troubled(world, lines) as troubles:
        yield troubles


@pytest_asyncio.fixture
async def operator(world: World, database: str) -> Customer:
    grace = await world.customer("Grace Hopper")
    async with await psycopg.AsyncConnection.connect(database) as connection:
        await connection.execute("""update "user" set role = 'admin' where id = %s""", [grace.id])
    return grace


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of a world, when a life has gone wrong
@settings(
    max_examples=EXAMPLES or 3,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=False,
)
@seed(SEED)
@given(life=st.just(ast.literal_eval(LIFE)) if LIFE else LIVES)
@pytest.mark.timeout(240 + EXAMPLES * 120)
async def test_nobody_pays_twice_and_access_is_as_it_should_be(
    troubles: Troubles, operator: Customer, life: list[Step]
) -> None:
    world = troubles.world
    ada = Person(await world.customer(), operator)
    await troubles.end()
    async with setting_up(world.engine) as connection:  # all of them pay with the same few cards, and are strangers
        await connection.execute(text("delete from billing.trial_claims"))
    try:
        for step in life:
            note(f"{step}: {await lived(troubles, ada, step)}")
            assert await grievances(ada) == [], f"after {step}"
    finally:
        await troubles.end()
    await world.replay_everything()
    world.customers[:] = [operator]


async def lived(troubles: Troubles, ada: Person, step: Step) -> str:
    """One step of a life; what came of it, in a word."""
    match step:
        case ("wait", hours):
            await ada.customer.travel(hours=hours)
            return "later"
        case ("near", moment, minutes):
            return await waited_for(ada.customer, moment, timedelta(minutes=minutes))
        case ("twice", wish):
            return await clicked(ada, wish, 2)
        case ("asleep", hours):
            await troubles.asleep(ada.customer, hours)
            return "awake"
        case ("at_once", wish, other):
            return str(await asyncio.gather(clicked(ada, wish, 1), clicked(ada, other, 1)))
        case ("struck", fault, then):
            async with troubles.struck(*fault):
                return await lived(troubles, ada, then)
        case ("away", part, wish):
            return await lived_through(troubles, ada, part, wish)
        case ("messages", *odds):
            await troubles.messages(*odds)
            return "from now on"
        case ("account", setting):
            await troubles.account(setting)
            return "from now on"
    return await clicked(ada, step, 1)


async def waited_for(ada: Customer, name: str, later: timedelta) -> str:
    """Until a little before or after a moment of the projection, if it is ahead and not years away."""
    rows = await ada.world.rows("select * from billing.subscriptions where user_id = :id", id=ada.id)
    moment = getattr(rows[0], name) if rows else None
    ahead = moment + later - await ada.world.travel.now(ada.id) if moment else timedelta(0)
    if not timedelta(minutes=1) < ahead < timedelta(days=90):
        return "no such moment"
    await ada.world.travel.fast_forward(ada.id, ahead)
    return f"{moment:%Y-%m-%d %H:%M} {later}"


async def lived_through(troubles: Troubles, ada: Person, part: str, wish: Step) -> str:
    """Asked while a part is away, and asked again under the same key when it is back."""
    call = ada.asks(*wish)
    assert call is not None
    key = str(uuid4())
    async with troubles.away(part):
        first = await asked(*call, key)
    answer = await answered(*call, key)
    if wish[0] == "checkout" and answer.status_code == 201:
        ada.pages.append(answer.json()["id"])
    return f"{first.status_code if first else 'no answer'}, then {answer.status_code}"


async def grievances(ada: Person) -> list[str]:
    """What is wrong once everything that was lost or promised has been caught up with."""
    await ada.customer.settled()
    await catch_up(ada.world, ada.customer)
    await sweep(ada.world)
    await ada.customer.settled()
    await ada.customer.letters()
    return await complaints(ada.world, ada.customer)
