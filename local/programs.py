"""Our own programs as parts of the stack: the local Stripe, the mailbox, the API and the worker."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.parts import Part, answers_http, page
from local.ports import HOST, any_free
from local.processes import Program
from settings import ROOT


class LocalStripe(Part):
    """Stripe's stand-in, reached over HTTP like the real one; the same ``state`` resumes where it stopped."""

    name = "local Stripe"

    def __init__(self, state: Path, *, log: Path, port: int | None = None) -> None:
        self.state = state.resolve()
        self.log = log
        self.port = port or any_free()

    @property
    def url(self) -> str:
        """What Stripe's client takes as the API's base address."""
        return f"http://{HOST}:{self.port}"

    def program(self) -> Program:
        return _module(self, "local.stripe", "--port", str(self.port), "--state", str(self.state))

    async def answers(self) -> bool:
        return await answers_http(self.port, "/_local/idle")


class Mailbox(Part):
    """Catches every mail that the stack sends and shows it on a page."""

    name = "mailbox"

    def __init__(self, state: Path, *, log: Path, port: int | None = None, smtp_port: int | None = None) -> None:
        self.state = state.resolve()
        self.log = log
        self.port = port or any_free()
        self.smtp_port = smtp_port or any_free()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def program(self) -> Program:
        ports = ("--smtp-port", str(self.smtp_port), "--http-port", str(self.port))
        return _module(self, "local.mailbox", *ports, "--state", str(self.state))

    async def answers(self) -> bool:
        return await answers_http(self.port)


class Api(Part):
    """The REST API, configured by its environment as in production."""

    name = "API"

    def __init__(self, environment: Mapping[str, str], *, log: Path, port: int) -> None:
        self.environment = environment
        self.log = log
        self.port = port

    def program(self) -> Program:
        return _module(self, "api", environment=self.environment, stop_seconds=18)

    async def answers(self) -> bool:
        return await answers_http(self.port, "/healthz")


class Worker(Part):
    """The worker; it finishes the activities at hand before it stops."""

    name = "worker"

    def __init__(self, environment: Mapping[str, str], *, log: Path, temporal_metrics_port: int) -> None:
        self.environment = environment
        self.log = log
        self.temporal_metrics_port = temporal_metrics_port

    def program(self) -> Program:
        return _module(self, "worker", environment=self.environment, stop_seconds=25)

    async def answers(self) -> bool:
        """It asks Temporal for work: only then the SDK counts its pollers."""
        return "temporal_num_pollers" in await page(self.temporal_metrics_port, "/metrics")


def _module(
    part: LocalStripe | Mailbox | Api | Worker,
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stop_seconds: float = 10,
) -> Program:
    return Program(
        name=part.name,
        command=(sys.executable, "-m", module, *arguments),
        directory=ROOT,
        environment=dict(os.environ) if environment is None else environment,
        log=part.log,
        stop_seconds=stop_seconds,
    )
