"""Two books are walked side by side: whatever is on one side only is found, wherever the walk was interrupted."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio
import stripe
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.gateway import Stripe
from activities.reconciliation import PAGE, Comparison, Finding, Place
from database.session import make_engine
from lifecycle.drift import NOT_AT_STRIPE, SECOND, UNKNOWN_HERE, UNKNOWN_USER
from lifecycle.plans import load_catalogue
from settings import ROOT
from tests.api.conftest import make_settings
from tests.fixtures.databases import setting_up

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class SubscriptionsOfStripe:
    """Stripe's list with memory: newest first, running ones only, told apart by id when made in the same second."""

    def __init__(self) -> None:
        self.sold: dict[str, dict[str, Any]] = {}
        self.v1 = SimpleNamespace(subscriptions=self)
        self.forgotten: set[str] = set()
        self.asked_by_name = 0

    def has(self, name: str, *, second: int, status: str = "active", user: str | None = None) -> None:
        start = int((BEGAN + timedelta(seconds=second)).timestamp())
        price = {"id": "price_1", "unit_amount": 1000, "currency": "usd"}
        period = {"current_period_start": start, "current_period_end": start + 86_400}
        self.sold[f"sub_{name}"] = {
            "id": f"sub_{name}",
            "object": "subscription",
            "customer": f"cus_{name}",
            "status": status,
            "created": start,
            "metadata": {"user_id": user} if user else {},
            "items": {"object": "list", "data": [{"price": price | {"metadata": MARKS}, **period}]},
            "cancel_at_period_end": False,
        } | dict.fromkeys(ABSENT)

    def newest_first(self) -> list[dict[str, Any]]:
        return sorted(self.sold.values(), key=lambda one: (one["created"], one["id"]), reverse=True)

    async def list_async(self, params: dict[str, Any]) -> SimpleNamespace:
        found, until = self.newest_first(), params.get("created", {}).get("lte")
        if after := params.get("starting_after"):
            if after in self.forgotten:
                raise stripe.InvalidRequestError("No such subscription", "starting_after", code="resource_missing")
            ids = [one["id"] for one in found]
            found = found[ids.index(after) + 1 :]
        if until is not None:
            found = [one for one in found if one["created"] <= until]
        running = [one for one in found if one["status"] != "canceled"]
        shown = running[: params["limit"]]
        objects = [stripe.Subscription.construct_from(one, "sk_test_1") for one in shown]
        return SimpleNamespace(data=objects, has_more=len(running) > len(shown))

    async def retrieve_async(self, subscription_id: str, params: dict[str, Any]) -> stripe.Subscription:
        self.asked_by_name += 1
        if subscription_id not in self.sold:
            raise stripe.InvalidRequestError("No such subscription", "id", code="resource_missing")
        return stripe.Subscription.construct_from(self.sold[subscription_id], "sk_test_1")


MARKS = {"plan": "BASIC", "interval": "month"}
ABSENT = (
    "trial_end", "cancel_at", "ended_at", "cancellation_details", "latest_invoice", "default_payment_method",
    "pending_update", "schedule", "pause_collection",
)  # fmt: skip
OURS = text(
    """
    insert into billing.subscriptions (user_id, stripe_customer_id, stripe_subscription_id, plan, interval, amount,
        currency, status, current_period_starts_at, current_period_ends_at, seq, started_at)
    select 'user_' || name, 'cus_' || name, 'sub_' || name, 'BASIC', 'month', 1000, 'usd', 'active',
        :began + make_interval(secs => second), :began + make_interval(secs => second, days => 1), 1,
        case when :dated then :began + make_interval(secs => second) end
    from unnest(cast(:names as text[]), cast(:seconds as int[])) as sold (name, second)
    """
)


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(make_settings(database))
    yield engine
    await engine.dispose()


@pytest.fixture
def theirs() -> SubscriptionsOfStripe:
    return SubscriptionsOfStripe()


async def ours(engine: AsyncEngine, sold: Iterable[tuple[str, int]], *, dated: bool = True) -> None:
    names, seconds = zip(*sold, strict=True)
    values = {"names": list(names), "seconds": list(seconds), "began": BEGAN, "dated": dated}
    async with setting_up(engine) as connection:
        await connection.execute(OURS, values)


def comparison(theirs: SubscriptionsOfStripe, engine: AsyncEngine) -> Comparison:
    return Comparison(cast(Stripe, theirs), engine, load_catalogue(ROOT / "plans.toml"))


async def walked(
    theirs: SubscriptionsOfStripe, engine: AsyncEngine, place: Place | None = None, batches: int | None = None
) -> tuple[list[Finding], Place | None]:
    """From a place on, so many batches or to the end; the place is read back from JSON, as a round keeps it."""
    found: list[Finding] = []
    count = 0
    async for batch in comparison(theirs, engine).batches(place or Place()):
        found += batch.findings
        count += 1
        if batch.place is None:
            return found, None
        if count == batches:
            return found, Place.from_json(batch.place.as_json())
    raise AssertionError("a walk has an end")


def differing(found: Iterable[Finding]) -> dict[str, str]:
    return {str(one.subscription_id): ", ".join(one.differs) for one in found if one.differs}


def once(found: Iterable[Finding]) -> bool:
    """Everybody is counted, nobody twice but who has no date yet: found by name first, and again in the list."""
    seen = [one.subscription_id for one in found if one.subscription_id != "sub_undated"]
    return len(seen) == len(set(seen)) == 230 + 5 + 1


async def a_large_shop(theirs: SubscriptionsOfStripe, engine: AsyncEngine) -> None:
    """230 at Stripe, many in the same second; one is only theirs, some are only ours, one has no date."""
    sold = [(f"{number:03}", number // 40) for number in range(230)]
    for name, second in sold:
        theirs.has(name, second=second, user=f"user_{name}")
    await ours(engine, [one for one in sold if one[0] != "117"])
    for number, second in enumerate((-5, 0, 2, 3, 99)):
        theirs.has(f"gone{number}", second=second, status="canceled")
        await ours(engine, [(f"gone{number}", second)])
    await ours(engine, [("nowhere", 3)])
    theirs.has("undated", second=2)
    await ours(engine, [("undated", 2)], dated=False)
    async with setting_up(engine) as connection:
        await connection.execute(
            text("""insert into "user" (id, name, email, "emailVerified")
            values ('user_117', 'Ada', 'ada@example.org', true)""")
        )


EXPECTED = {f"sub_gone{number}": "status" for number in range(5)} | {
    "sub_117": UNKNOWN_HERE,
    "sub_nowhere": NOT_AT_STRIPE,
}


async def test_what_is_on_one_side_only_is_found_and_nothing_else(
    theirs: SubscriptionsOfStripe, engine: AsyncEngine
) -> None:
    await a_large_shop(theirs, engine)

    found, _ = await walked(theirs, engine)

    assert differing(found) == EXPECTED
    assert once(found)
    assert theirs.asked_by_name <= 5 + 2 + 1, "the list says the rest, a hundred at a time"


@pytest.mark.parametrize("batches", range(1, 9))
async def test_a_walk_that_is_interrupted_anywhere_misses_nothing(
    theirs: SubscriptionsOfStripe, engine: AsyncEngine, batches: int
) -> None:
    await a_large_shop(theirs, engine)

    first, place = await walked(theirs, engine, batches=batches)
    second, end = await walked(theirs, engine, place) if place else ([], None)

    assert end is None
    assert differing([*first, *second]) == EXPECTED
    assert once([*first, *second])


async def test_a_walk_goes_on_by_its_moment_when_stripe_has_forgotten_where_it_stood(
    theirs: SubscriptionsOfStripe, engine: AsyncEngine
) -> None:
    await a_large_shop(theirs, engine)
    first, place = await walked(theirs, engine, batches=3)
    assert place is not None
    assert place.after is not None
    theirs.forgotten.add(place.after)

    second, _ = await walked(theirs, engine, place)

    assert differing([*first, *second]) == EXPECTED


async def test_a_page_is_never_larger_than_stripe_allows(theirs: SubscriptionsOfStripe, engine: AsyncEngine) -> None:
    await ours(engine, [(f"{number:03}", number) for number in range(PAGE + 5)])

    async for batch in comparison(theirs, engine).batches(Place()):
        assert len(batch.findings) <= PAGE


async def test_a_second_one_and_one_of_nobody_are_told_apart(
    theirs: SubscriptionsOfStripe, engine: AsyncEngine
) -> None:
    await a_large_shop(theirs, engine)
    await ours(engine, [("first", 500)])
    theirs.has("first", second=500)
    async with setting_up(engine) as connection:
        await connection.execute(
            text("""insert into "user" (id, name, email, "emailVerified")
            values ('user_first', 'Bob', 'bob@example.org', true)""")
        )
    theirs.has("second", second=501, user="user_first")
    theirs.has("stranger", second=502)
    theirs.has("unknown", second=503, user="eve")

    found, _ = await walked(theirs, engine)

    assert differing(found) == EXPECTED | {"sub_second": SECOND, "sub_unknown": UNKNOWN_USER_HERE}


UNKNOWN_USER_HERE = f"{UNKNOWN_HERE}, {UNKNOWN_USER}"


async def test_who_has_no_subscription_at_stripe_yet_is_not_asked_for(
    theirs: SubscriptionsOfStripe, engine: AsyncEngine
) -> None:
    await ours(engine, [("ada", 1)])
    async with setting_up(engine) as connection:
        await connection.execute(
            text("update billing.subscriptions set stripe_subscription_id = null, status = 'trialing'")
        )

    found, _ = await walked(theirs, engine)

    assert [(one.user_id, one.differs, one.lives) for one in found] == [("user_ada", (), True)]
