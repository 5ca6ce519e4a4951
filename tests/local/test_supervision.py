import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from local.state import State
from tests.local.families import family, gone

Supervisor = asyncio.subprocess.Process


@asynccontextmanager
async def small_stack(directory: Path) -> AsyncIterator[Supervisor]:
    """A supervisor with two parts, as another process that can be killed."""
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.local.small_stack", str(directory)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await said(supervisor, "ready")
        yield supervisor
    finally:
        with contextlib.suppress(ProcessLookupError):
            supervisor.kill()
        await supervisor.communicate()


async def said(supervisor: Supervisor, words: str) -> None:
    """Wait until the supervisor says this."""
    assert supervisor.stdout is not None
    async with asyncio.timeout(20):
        while line := await supervisor.stdout.readline():
            if words in line.decode():
                return
    raise AssertionError(f"it ended without saying {words!r}")


def members_of(supervisor: Supervisor) -> list[psutil.Process]:
    """Everything that a stack started: leashes, programs, and what those started."""
    members = family(supervisor.pid)
    assert len(members) > 6, "two leashes, PostgreSQL with its processes, the stubborn one and its child"
    return members


def pid_of(directory: Path, name: str) -> int:
    return int((directory / "pids" / name).read_text())


async def test_a_stop_leaves_no_process(tmp_path: Path) -> None:
    async with small_stack(tmp_path / "state") as supervisor:
        members = members_of(supervisor)
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        await said(supervisor, "stopped")
        assert await supervisor.wait() == 0
        await gone(members)


async def test_a_kill_9_of_the_supervisor_leaves_no_process(tmp_path: Path) -> None:
    async with small_stack(tmp_path / "state") as supervisor:
        members = members_of(supervisor)
        supervisor.kill()
        await gone(members)


async def test_a_killed_part_comes_back_and_a_killed_leash_takes_its_program_along(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    async with small_stack(directory) as supervisor:
        first = pid_of(directory, "postgres")
        os.kill(first, signal.SIGKILL)
        await said(supervisor, "PostgreSQL died (signal 9)")
        await said(supervisor, "PostgreSQL is back")
        second = psutil.Process(pid_of(directory, "postgres"))
        assert second.pid != first

        leash = second.parent()
        assert leash is not None
        leash.kill()
        await said(supervisor, "PostgreSQL is back")
        await gone([second])


async def test_a_stack_that_was_killed_hands_its_folder_over_once_its_programs_are_gone(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    async with small_stack(directory) as supervisor:
        members = members_of(supervisor)
        supervisor.kill()
        await supervisor.wait()

        def take_over() -> None:
            with State.opened(directory):
                pass

        await asyncio.to_thread(take_over)
        await gone(members, within=0.5)
