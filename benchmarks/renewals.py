"""What a renewal costs in Temporal: events, bytes of history and billable actions, over twelve renewals.

``python -m benchmarks.renewals``; one history for the whole year, so that continue-as-new is not counted.
"""

import asyncio
import os
from collections import Counter
from datetime import timedelta

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from activities.gateway import open_stripe
from benchmarks.figures import describe_machine, show
from benchmarks.intents import PATH, SUBSCRIBE, ask
from benchmarks.load import load
from benchmarks.town import sign_in, whole_system
from database.session import make_engine
from local import configuration
from local.stack import Stack
from local.time_travel import TimeTravel
from tests.workflows.conftest import kinds
from tests.workflows.test_cost import BILLED, RENEWALS, TRAVEL
from workflows.connection import connect
from workflows.door import workflow_id

A_MONTH = timedelta(days=31)


async def history(client: Client, user_id: str) -> list[HistoryEvent]:
    handle = client.get_workflow_handle(workflow_id(user_id))
    return [event async for event in handle.fetch_history_events()]


async def a_year(stack: Stack) -> list[HistoryEvent]:
    """The events of twelve renewals of one new customer, time travel's own left out."""
    settings = configuration.settings(stack.environment)
    (user,) = await sign_in(stack, 1)
    subscribed = await load(stack.ports["api"], [ask("POST", PATH, SUBSCRIBE | {"trial_period_days": 0}, user)], 1)
    assert set(subscribed.statuses) == {201}, subscribed.statuses
    client, engine = await connect(settings), make_engine(settings)
    async with open_stripe(settings) as stripe_client:
        travel = TimeTravel(settings, client, stripe_client, engine)
        await travel.settle(user.id)
        before = len(await history(client, user.id))
        for _ in range(RENEWALS):
            await travel.fast_forward(user.id, A_MONTH)
    await engine.dispose()
    lived = (await history(client, user.id))[before:]
    return [event for event, kind in zip(lived, kinds(lived), strict=True) if kind not in TRAVEL]


async def run() -> None:
    describe_machine()
    os.environ["PERENNIAL_CONTINUE_AS_NEW_AFTER_EVENTS"] = "10000"
    async with whole_system() as stack:
        events = await a_year(stack)
    counted = Counter(kinds(events))
    billed = sum(count for name, count in counted.items() if name in BILLED)
    size = sum(event.ByteSize() for event in events)
    head = ["events", "billable actions", "bytes of history"]
    show("A renewal", head, [[f"{len(events) / RENEWALS:.1f}", f"{billed / RENEWALS:.1f}", f"{size / RENEWALS:,.0f}"]])
    show("Events of the year", ["event", "count"], [[name, str(count)] for name, count in counted.most_common()])


if __name__ == "__main__":
    asyncio.run(run())
