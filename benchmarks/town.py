"""The whole system as processes, as ``perennial up`` runs it, in a folder of its own."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Console

from local import accounts, betterauth
from local.ports import PORTS, any_free
from local.progress import Steps
from local.stack import Stack
from local.state import State
from local.supervision import Supervision

PROGRAMS = ("api", "worker", "temporal", "stripe", "postgres")


@contextlib.asynccontextmanager
async def whole_system() -> AsyncIterator[Stack]:
    """Everything on free ports; it is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="perennial-benchmark-") as folder, State.opened(Path(folder)) as state:
        stack = Stack(state, {name: any_free() for name in PORTS}, Supervision(print))
        try:
            with Steps(Console(quiet=True)) as steps:
                await stack.start(steps)
            yield stack
        finally:
            await stack.stop()


def pids(stack: Stack) -> dict[str, int]:
    """The programs themselves, by name."""
    return {name: int(stack.state.pid_file(name).read_text()) for name in PROGRAMS}


async def sign_in(stack: Stack, count: int) -> list[betterauth.SignedInUser]:
    """So many new users with sessions."""
    url = stack.database_of(accounts.OWNER)
    secret = stack.state.secret("auth_secret")

    def one() -> betterauth.SignedInUser:
        email = f"{betterauth.new_id()}@example.org".lower()
        return betterauth.sign_in(url, name="Somebody", email=email, secret=secret)

    return [await asyncio.to_thread(one) for _ in range(count)]
