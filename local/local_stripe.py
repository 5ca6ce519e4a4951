"""The local Stripe as a part of the stack: a process of its own, reached over HTTP like the real one."""

import sys
from pathlib import Path

from local.parts import Part, answers_http
from local.ports import HOST, any_free
from local.processes import Program


class LocalStripe(Part):
    """``python -m local.stripe`` keeping its state in ``state``; the same state resumes where it stopped."""

    name = "local Stripe"

    def __init__(self, state: Path, *, log: Path, port: int | None = None) -> None:
        self.state = state
        self.log = log
        self.port = port or any_free()

    @property
    def url(self) -> str:
        """What Stripe's client takes as the API's base address."""
        return f"http://{HOST}:{self.port}"

    def program(self) -> Program:
        command = (sys.executable, "-m", "local.stripe", "--port", str(self.port), "--state", str(self.state))
        return Program(name=self.name, command=command, log=self.log)

    async def answers(self) -> bool:
        return await answers_http(self.port, "/_local/idle")
