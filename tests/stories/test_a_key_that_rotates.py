"""A life under encryption: its key is rotated in the middle, and Temporal's own tools read it by the codec server."""

import asyncio
import base64
import contextlib
import json
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from local.ports import HOST, any_free
from local.temporal import _binary
from local.waiting import until
from settings import Settings
from tests.fixtures.worlds import Mailbox, World, settings_for
from worker import make_worker
from workflows.connection import connect
from workflows.door import workflow_id
from workflows.subscription import SubscriptionWorkflow

OLD, NEW = (f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}" for name in ("2026", "2027"))
TOKEN = "a-token-of-this-test-only"


@pytest.fixture
def world_settings(database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox) -> Settings:
    return settings_for(database, temporal_server, local_stripe, mailbox, payload_keys=OLD)


def with_keys(settings: Settings, keys: str, **more: Any) -> Settings:
    return Settings.model_validate(settings.model_dump() | {"payload_keys": keys} | more)


@contextlib.asynccontextmanager
async def rotated(world: World) -> AsyncIterator[Client]:
    """The worker is replaced by one that writes with the new key; the API goes on with both."""
    assert world.worker is not None
    settings = with_keys(world.settings, f"{NEW},{OLD}")
    client = await connect(settings)
    async with make_worker(client, settings, world.engine, world.stripe):
        yield client


async def stored(client: Client, user_id: str) -> str:
    """Every run of a life as Temporal has it, in one text."""
    bare = await Client.connect(client.service_client.config.target_host, namespace=client.namespace)
    told = []
    async for run in bare.list_workflows(f"WorkflowId = '{workflow_id(user_id)}'"):
        history = await bare.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        told.append(json.loads(history.to_json()))
    return json.dumps(told)


def keys_named(history: str) -> set[str]:
    return {name for name in ("2026", "2027") if base64.b64encode(name.encode()).decode() in history}


async def test_a_life_goes_on_while_its_key_is_rotated(world: World) -> None:
    ada = await world.customer()
    assert (await ada.subscribe("BASIC", trial_period_days=7)).status_code == 201
    await ada.settled()
    assert keys_named(await stored(world.client, ada.id)) == {"2026"}

    await world.worker.shutdown()  # type: ignore[union-attr]
    async with rotated(world) as client:
        world.client = client
        world.travel._client = client
        await ada.travel(days=8)
        assert await ada.status() == "active"

        history = await stored(client, ada.id)
        assert keys_named(history) == {"2026", "2027"}
        assert set(_encodings(json.loads(history))) == {"binary/encrypted"}, "in clear are search attributes only"
        for trace in ("per month", "basic_month", "sub_", "operation_id"):
            assert trace not in _without_names(history), trace
        state = await client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(ada.id)).query(
            SubscriptionWorkflow.state
        )
        assert state.user_id == ada.id


def _encodings(values: Any) -> Iterator[str]:
    """The encodings of all payloads in a history, but those of search attributes and of the SDK's own bookkeeping.

    Beside the result of a local activity, the SDK writes down its name, number and moments, by itself and in clear.
    """
    if isinstance(values, dict):
        for name, value in values.items():
            if name == "searchAttributes" or (name == "data" and "activity_type" in _without_names(json.dumps(value))):
                continue
            if name == "metadata" and isinstance(value, dict) and "encoding" in value:
                yield base64.b64decode(value["encoding"]).decode()
            yield from _encodings(value)
    elif not isinstance(values, str | int | float | bool | None):
        for value in values:
            yield from _encodings(value)


def _without_names(history: str) -> str:
    """Payloads decoded from base64, so that what is hidden by base64 alone would be found."""
    found = []
    for piece in history.split('"'):
        with contextlib.suppress(ValueError):
            found.append(base64.b64decode(piece, validate=True).decode(errors="replace"))
    return "\n".join(found)


async def test_temporals_own_command_reads_through_the_codec_server(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    port = any_free()
    environment = {
        "PERENNIAL_PAYLOAD_KEYS": f"{NEW},{OLD}",
        "PERENNIAL_CODEC_TOKEN": TOKEN,
        "PERENNIAL_MODE": "local",
        "PERENNIAL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "PERENNIAL_STRIPE_API_KEY": "sk_test_none",
        "PERENNIAL_AUTH_SECRET": "none",
    }
    command = (sys.executable, "cli.py", "codec-server", "--port", str(port))
    program = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    try:
        await until(lambda: _listens(port), within=30, what="the codec server does not listen")
        clear = await show(
            world, ada.id, "--codec-endpoint", f"http://{HOST}:{port}", "--codec-auth", f"Bearer {TOKEN}"
        )
        hidden = await show(world, ada.id)
    finally:
        program.terminate()
        _, said = await program.communicate()

    for trace in ("operation_id", "basic_month"):
        assert trace in _payloads(clear)
        assert trace not in _payloads(hidden)
    assert TOKEN not in said.decode()


def _payloads(told: str) -> str:
    return told + _without_names(told)


async def _listens(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.post(f"http://{HOST}:{port}/decode")).status_code == 415
    return False


async def show(world: World, user_id: str, *options: str) -> str:
    """`temporal workflow show`, as an operator runs it."""
    place = ("--address", world.settings.temporal_address, "--namespace", world.settings.temporal_namespace)
    process = await asyncio.create_subprocess_exec(
        str(_binary()), *("workflow", "show", "--workflow-id", workflow_id(user_id), "--output", "json"), *place,
        *options, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    said, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return said.decode()
