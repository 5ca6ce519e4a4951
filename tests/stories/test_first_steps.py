"""A customer begins."""

from tests.fixtures.worlds import World


async def test_a_trial_begins_and_the_customer_is_welcomed(world: World) -> None:
    ada = await world.customer()

    answer = await ada.subscribe("BASIC", card=None)

    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "trialing"
    await ada.settled()
    assert await ada.timeline() == ["trial_started"]
    assert await ada.letters() == ["welcome"]
