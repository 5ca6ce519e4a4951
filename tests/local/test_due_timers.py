"""A leap in time is over when every timer on the way has fired, not when the clock has moved."""

from datetime import datetime, timedelta

from local.due_timers import has_due_timer
from tests.fixtures.worlds import World
from workflows.door import workflow_id


async def test_a_timer_is_due_from_its_moment_on_until_it_fires_or_is_canceled(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")
    await ada.settled()
    handle = world.client.get_workflow_handle(workflow_id(ada.id))
    reminder = datetime.fromisoformat((await ada.mine())["trial_ends_at"]) - timedelta(days=3)

    assert not await has_due_timer(world.client, handle, reminder - timedelta(minutes=1))
    assert await has_due_timer(world.client, handle, reminder + timedelta(minutes=1))

    await ada.travel(days=12)
    assert not await has_due_timer(world.client, handle, reminder + timedelta(minutes=1)), "it has fired"
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    assert not await has_due_timer(world.client, handle, reminder + timedelta(days=400)), "and the next is canceled"
