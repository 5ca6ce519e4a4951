"""What nobody asks for any more is discarded, and nothing else."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities import retention
from activities.retention import Retention
from settings import Settings
from tests.fixtures.databases import setting_up

FILLED = """
insert into billing.events (id, type, created_at, received_at, livemode, status)
    select status || '_' || age, 'invoice.paid', now(), now() - make_interval(days => age), true, status
    from unnest(array['pending', 'delivered', 'applied', 'ignored', 'orphan']) as status, unnest(array[99, 101]) as age;
insert into billing.operations (id, user_id, idempotency_key, kind, fingerprint, status, created_at, promised_at)
    select gen_random_uuid(), 'ada', name || '_' || age, 'cancel', 'f', split_part(name, ' ', 1),
        now() - make_interval(days => age), case when strpos(name, 'promised') > 0 then now() end
    from unnest(array['pending', 'pending promised', 'succeeded promised', 'refused']) as name,
        unnest(array[49, 51]) as age;
"""


async def left(engine: AsyncEngine, query: str) -> set[str]:
    async with engine.connect() as connection:
        return set((await connection.execute(text(query))).scalars())


async def test_only_what_is_old_and_dealt_with_is_discarded(engine: AsyncEngine, settings: Settings) -> None:
    async with setting_up(engine) as connection:
        await connection.exec_driver_sql(FILLED)
    kept = settings.model_copy(update={"events_kept_days": 100, "operations_kept_days": 50})

    discarded = await ActivityEnvironment().run(Retention(engine, kept).discard)

    assert discarded == {"events": 3, "operations": 3}
    assert await left(engine, "select id from billing.events where id like '%\\_101'") == {
        "pending_101",
        "delivered_101",
    }
    assert await left(engine, "select idempotency_key from billing.operations where idempotency_key like '%\\_51'") == {
        "pending promised_51"
    }


async def test_it_is_done_in_small_transactions_with_a_sign_of_life_before_each(
    engine: AsyncEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    many = """
        insert into billing.events (id, type, created_at, received_at, livemode, status)
        select 'evt_' || n, 'invoice.paid', now(), now() - interval '500 days', true, 'applied'
        from generate_series(1, 95) as n
    """
    async with setting_up(engine) as connection:
        await connection.exec_driver_sql(many)
    here, beats = ActivityEnvironment(), []
    here.on_heartbeat = lambda *done: beats.append(done)

    assert (await here.run(Retention(engine, settings).discard))["events"] == 95
    assert len(beats) == 11


@pytest.mark.parametrize("name", ["events_kept_days", "operations_kept_days"])
def test_what_stripe_may_still_send_again_cannot_be_forgotten(settings: Settings, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.model_validate(settings.model_dump() | {name: 30})
