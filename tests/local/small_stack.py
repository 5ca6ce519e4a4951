"""A supervisor in a process of its own, for tests that kill it: PostgreSQL, and a program with a child of its own.

``python -m tests.local.small_stack DIR`` writes ``DIR/pids/…`` and prints ``ready``.
"""

import asyncio
import sys
from pathlib import Path

from local.parts import Part
from local.postgres import Postgres
from local.processes import Program
from local.state import State
from local.supervision import Supervision, together

STUBBORN = """
import signal, subprocess, sys, time, pathlib
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""


class Stubborn(Part):
    """Ignores SIGTERM and has a child: it must be killed, and its child with it."""

    name = "stubborn"

    def __init__(self, child_file: Path, log: Path) -> None:
        self.child_file = child_file
        self.log = log

    async def prepare(self) -> None:
        self.child_file.unlink(missing_ok=True)

    def program(self) -> Program:
        command = (sys.executable, "-c", STUBBORN, str(self.child_file))
        return Program(name=self.name, command=command, log=self.log, stop_seconds=0.5)

    async def answers(self) -> bool:
        return self.child_file.exists() and bool(self.child_file.read_text())


async def run(state: State) -> None:
    supervision = Supervision(lambda line: print(line, flush=True))
    parts: list[Part] = [
        Postgres(state.directory / "postgres", log=state.log("postgres")),
        Stubborn(state.pid_file("grandchild"), log=state.log("stubborn")),
    ]
    for part in parts:
        part.pid_file, part.lock = state.pid_file(part.log.stem), state.lock
    await together(*(supervision.start(part) for part in parts))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await supervision.stop()
    print("stopped", flush=True)


if __name__ == "__main__":
    with State.opened(Path(sys.argv[1])) as state:
        asyncio.run(run(state))
