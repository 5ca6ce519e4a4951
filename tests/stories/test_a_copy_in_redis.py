"""With copies in Redis a customer sees what they just did, and what Stripe did, as without them."""

import pytest
from redis.asyncio import Redis

from local.valkey import Valkey
from settings import Settings
from tests.fixtures.worlds import Mailbox, World, settings_for


@pytest.fixture
def world_settings(
    database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox, valkey: Valkey
) -> Settings:
    """Copies live as long as they may, so that an old one would be seen."""
    redis = {"redis_url": valkey.url, "cache_seconds": 30}
    return settings_for(database, temporal_server, local_stripe, mailbox, **redis)


async def test_a_customer_reads_what_they_wrote_and_what_stripe_told(world: World, valkey: Valkey) -> None:
    ada = await world.customer()
    assert (await ada.ask("GET", "/subscriptions/me")).status_code == 404
    for write, path, body, shown in (
        ("POST", "", {"plan": "BASIC", "interval": "month", "payment_method": "pm_card_visa"}, ("trialing", False)),
        ("DELETE", "", None, ("trialing", True)),
        ("POST", "/resume", None, ("trialing", False)),
        ("POST", "/convert", {}, ("active", False)),
    ):
        answer = await ada.ask(write, f"/subscriptions{path}", body)
        assert answer.status_code in {200, 201}, answer.text
        mine = await ada.mine()
        assert (mine["status"], mine["cancel_at_period_end"]) == shown, f"{write} {path}"
    await ada.settled()
    key = f"perennial:subscription:{ada.id}"
    async with Redis.from_url(valkey.url) as redis:
        await redis.delete(key)  # as if half a minute had passed
        await ada.mine()
        assert b'"status":"active"' in await redis.get(key)

    subscription = (await ada.stripe_subscription())["id"]
    await world.stripe.v1.subscriptions.update_async(subscription, {"cancel_at_period_end": True})
    await ada.settled()

    assert (await ada.mine())["cancel_at_period_end"], "nobody asked the API; the worker told"
    assert (await ada.ask("GET", "/entitlements")).json()["notice"]["kind"] == "cancellation_scheduled"
