"""Somebody in support gives a customer another week."""

from tests.fixtures.worlds import World

WEEK = 7 * 86_400


async def test_an_extended_trial_is_announced_and_reminded_of_before_its_new_end_once(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=14)
    await ada.travel(days=5)
    before = await ada.stripe_subscription()

    await world.stripe.v1.subscriptions.update_async(before["id"], {"trial_end": before["trial_end"] + WEEK})
    await ada.settled()

    assert await ada.status() == "trialing"
    assert await ada.timeline() == ["trial_started", "trial_extended"]
    assert await ada.letters() == ["welcome", "trial_extended"]
    await ada.travel(days=12)
    assert await ada.letters() == ["welcome", "trial_extended"]
    await ada.travel(days=2)
    assert await ada.letters() == ["welcome", "trial_extended", "trial_ending"]
    await ada.travel(days=3)
    assert await ada.status() == "active"
    assert await ada.timeline() == ["trial_started", "trial_extended", "trial_ending", "trial_converted"]
    assert (await ada.letters()).count("trial_ending") == 1
