"""One customer's workflow on a real Temporal server, alone with stand-ins."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, Worker

from lifecycle.events import EventHint
from lifecycle.intents import Intent, Outcome, Request, Subscribe
from lifecycle.plans import load_catalogue
from lifecycle.subscription import Subscription
from local.waiting import until
from settings import ROOT
from tests.workflows.stand_ins import Bank, Books, Post
from worker import SANDBOX
from workflows.carried import first_of_life
from workflows.door import Door, workflow_id
from workflows.payloads import DATA_CONVERTER
from workflows.subscription import SubscriptionWorkflow

CATALOGUE = load_catalogue(ROOT / "plans.toml")
PATIENCE_SECONDS = 30.0


@dataclass
class Life:
    """One customer, seen from the workflow's side."""

    client: Client
    task_queue: str
    bank: Bank = field(default_factory=Bank)
    books: Books = field(default_factory=Books)
    post: Post = field(default_factory=Post)
    user_id: str = field(default_factory=lambda: f"user-{uuid4().hex[:8]}")

    @property
    def handle(self) -> WorkflowHandle[SubscriptionWorkflow, str]:
        """The workflow of the present run."""
        return self.client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(self.user_id))

    async def ask(self, intent: Intent, operation_id: str | None = None) -> Outcome | None:
        """An intent, as the API hands it over."""
        request = Request(operation_id or str(uuid4()), intent)
        return await Door(self.client, self.task_queue).ask(self.user_id, request, PATIENCE_SECONDS)

    async def subscribe(self, trial_days: int = 0) -> Outcome | None:
        """To BASIC, per month."""
        return await self.ask(Subscribe(CATALOGUE.terms("BASIC", "month"), trial_days=trial_days))  # type: ignore[arg-type]

    async def hear(self, *events: str, subscription: str | None = None) -> None:
        """Stripe's events, as the relay signals them."""
        await self.take(*(EventHint(event, "customer.subscription.updated", subscription) for event in events))

    async def take(self, *hints: EventHint) -> None:
        """One signal with these hints."""
        await self.client.start_workflow(
            SubscriptionWorkflow.run,
            first_of_life(self.user_id),
            id=workflow_id(self.user_id),
            task_queue=self.task_queue,
            start_signal="stripe_events",
            start_signal_args=[list(hints)],
        )

    async def state(self) -> Subscription:
        """What the workflow knows."""
        return await self.handle.query(SubscriptionWorkflow.state)

    async def knows(self, condition: Callable[[Subscription], bool], what: str) -> None:
        """Wait until the workflow's state is as expected."""

        async def is_so() -> bool:
            return condition(await self.state())

        await until(is_so, within=PATIENCE_SECONDS, what=what)

    async def comes_to_rest(self) -> None:
        """Wait until nothing is under way."""

        async def is_so() -> bool:
            found = (await self.handle.describe()).raw_description
            return not found.pending_activities and not found.HasField("pending_workflow_task")

        await until(is_so, within=PATIENCE_SECONDS, what="the workflow does not come to rest")

    async def hears_one_by_one(self, *events: str) -> None:
        """Each event is looked at before the next one comes."""
        for event in events:
            await self.hear(event)
            await self.until(lambda: event in self.books.events, f"{event} was not applied")  # noqa: B023
            await self.comes_to_rest()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something in the stand-ins."""

        async def is_so() -> bool:
            return condition()

        await until(is_so, within=PATIENCE_SECONDS, what=what)

    async def runs(self) -> list[str]:
        """The ids of all runs, oldest first, following the chain of histories."""
        found: list[str] = []
        run_id: str | None = (await self.handle.describe()).raw_info.first_run_id
        while run_id:
            found.append(run_id)
            run_id = (await self.history(run_id))[
                -1
            ].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        return found

    async def history(self, run_id: str | None = None) -> list[HistoryEvent]:
        """The events of a run; of the latest without an id."""
        handle = self.client.get_workflow_handle(workflow_id(self.user_id), run_id=run_id)
        return [event async for event in handle.fetch_history_events()]

    async def replay(self) -> None:
        """Every run replays against the code that made it."""
        replayer = Replayer(workflows=[SubscriptionWorkflow], data_converter=DATA_CONVERTER, workflow_runner=SANDBOX)
        for run_id in await self.runs():
            handle = self.client.get_workflow_handle(workflow_id(self.user_id), run_id=run_id)
            await replayer.replay_workflow(await handle.fetch_history())


@pytest_asyncio.fixture
async def life(temporal_server: str) -> AsyncIterator[Life]:
    """A customer of stand-ins; every run replays at the end, and what still lives is ended."""
    client = await Client.connect(temporal_server, namespace="billing", data_converter=DATA_CONVERTER)
    one = Life(client, f"test-{uuid4().hex[:8]}")
    parts: list[Any] = [one.bank, one.books, one.post]
    names = [
        "fetch",
        "fetch_dispute",
        "payments_of_period",
        "abandoned_checkout",
        "fetch_refunds",
        "find_payment",
        "refund",
        "end_in_stripe",
        "anonymise",
        "subscribe",
        "change_plan",
        "cancel",
        "take_back",
        "resume",
        "begin",
        "save",
        "send",
    ]
    activities: list[Callable[..., Awaitable[Any]]] = [
        getattr(part, name) for part in parts for name in names if hasattr(part, name)
    ]
    async with Worker(
        client,
        task_queue=one.task_queue,
        workflows=[SubscriptionWorkflow],
        activities=activities,
        workflow_runner=SANDBOX,
    ):
        yield one
        try:
            await one.replay()
            await one.handle.terminate("the test is over")
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


def kinds(events: list[HistoryEvent]) -> list[str]:
    """The short names of events: ``SIGNALED``, ``TASK_SCHEDULED`` …"""
    prefixes = ("EVENT_TYPE_WORKFLOW_EXECUTION_", "EVENT_TYPE_WORKFLOW_", "EVENT_TYPE_")
    names = [EventType.Name(event.event_type) for event in events]
    return [next(name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)) for name in names]
