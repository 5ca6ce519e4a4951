"""What a renewal costs: Temporal bills actions and keeps events for as long as a history is open."""

from collections import Counter

import pytest
from temporalio.api.history.v1 import HistoryEvent

from settings import Settings
from tests.fixtures.worlds import Mailbox, World, settings_for
from tests.workflows.conftest import kinds
from workflows.door import workflow_id

RENEWALS = 12
MOST_EVENTS, MOST_ACTIONS = 14, 3
BILLED = {
    "SIGNALED",
    "ACTIVITY_TASK_SCHEDULED",
    "MARKER_RECORDED",
    "TIMER_STARTED",
    "UPDATE_ACCEPTED",
    "UPSERT_SEARCH_ATTRIBUTES",
}
"""Events that stand for a billable action; local activities leave a marker each.
https://docs.temporal.io/cloud/actions"""

TRAVEL = {"OPTIONS_UPDATED", "TIME_SKIPPING_TRANSITIONED"}
"""What time travel itself writes; nobody travels in life."""


@pytest.fixture
def world_settings(database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox) -> Settings:
    """One history for the whole year, so that nothing but renewals is counted; the relay's window as in life."""
    return settings_for(
        database, temporal_server, local_stripe, mailbox, continue_as_new_after_events=10_000, relay_window_ms=400
    )


async def test_a_renewal_costs_three_actions_and_fourteen_events_at_most(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    before = len(await _history(world, ada.id))

    for _ in range(RENEWALS):
        await ada.travel(days=31)

    lived = (await _history(world, ada.id))[before:]
    renewals = [event for event, kind in zip(lived, kinds(lived), strict=True) if kind not in TRAVEL]
    assert (await ada.timeline()).count("renewed") == RENEWALS
    counted = Counter(kinds(renewals))
    events = sum(counted.values()) / RENEWALS
    actions = sum(count for name, count in counted.items() if name in BILLED) / RENEWALS
    size = sum(event.ByteSize() for event in renewals) / RENEWALS
    print(f"\na renewal: {events:.1f} events, {actions:.1f} actions, {size:,.0f} bytes; {dict(counted)}")
    assert events <= MOST_EVENTS
    assert actions <= MOST_ACTIONS


async def _history(world: World, user_id: str) -> list[HistoryEvent]:
    handle = world.client.get_workflow_handle(workflow_id(user_id))
    return [event async for event in handle.fetch_history_events()]
