"""A customer's clock is ahead of the wall's on the local stack only."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.orders import Entry, Saving
from activities.records import Records
from database.tables import customers, timeline
from lifecycle.plans import load_catalogue
from lifecycle.subscription import Subscription
from settings import ROOT
from tests.fixtures.databases import setting_up

CATALOGUE = load_catalogue(ROOT / "plans.toml")
MONTH = timedelta(days=30)


@pytest.mark.parametrize("travels", [True, False], ids=["local", "production"])
async def test_the_books_follow_a_customers_clock_only_where_time_travel_is_allowed(
    engine: AsyncEngine, travels: bool
) -> None:
    async with setting_up(engine) as connection:
        ahead = {"user_id": "ada", "clock_offset_seconds": int(MONTH.total_seconds())}
        await connection.execute(insert(customers).values(**ahead))
    records = Records(
        engine, load_catalogue(ROOT / "plans.toml"), continue_as_new_after_events=100, lets_travel_in_time=travels
    )
    now = datetime.now(UTC)

    begun = await records.begin("ada")
    await records.save(Saving(Subscription(user_id="ada", seq=1), [Entry("renewed", now, "event", None)], [], [], {}))

    async with engine.connect() as connection:
        told = (await connection.execute(select(timeline.c.at))).scalar_one()
    assert (begun.now is not None) is travels
    assert (told - now > MONTH / 2) is travels
