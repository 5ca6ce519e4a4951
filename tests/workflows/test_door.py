"""Whatever becomes of an update, the API can answer it: an outcome, a refusal, or come again."""

import asyncio
from uuid import uuid4

import pytest
from temporalio.client import Client

from lifecycle.intents import Cancel, Request
from local.waiting import until
from tests.workflows.conftest import PATIENCE_SECONDS, Life
from workflows.door import Door, Unavailable, workflow_id
from workflows.payloads import DATA_CONVERTER


async def test_a_workflow_that_ends_before_it_takes_the_command_is_come_again(temporal_server: str) -> None:
    client = await Client.connect(temporal_server, namespace="billing", data_converter=DATA_CONVERTER)
    user_id = f"user-{uuid4().hex[:8]}"
    door = Door(client, f"nobody-works-here-{uuid4().hex[:8]}")
    asked = asyncio.create_task(door.ask(user_id, Request(str(uuid4()), Cancel()), PATIENCE_SECONDS))

    async def is_started() -> bool:
        found = client.list_workflows(f"WorkflowId = '{workflow_id(user_id)}'")
        return [run async for run in found] != []

    await until(is_started, within=PATIENCE_SECONDS, what="the workflow was not started")
    await client.get_workflow_handle(workflow_id(user_id)).terminate("it closed in between")

    with pytest.raises(Unavailable):
        await asked


async def test_a_command_whose_workflow_is_terminated_under_it_is_come_again(life: Life) -> None:
    await life.subscribe()
    await life.comes_to_rest()
    life.books.silent = 1000
    asked = asyncio.create_task(life.ask(Cancel()))
    await life.until(lambda: "cancel" in {name for name, _ in life.bank.done}, "the command was not taken")

    await life.handle.terminate("by an operator")

    with pytest.raises(Unavailable):
        await asked
