"""Programs that run beside us and never outlive us: started on a leash (see ``leash.py``), stopped with grace."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from local.waiting import until

LEASH = Path(__file__).with_name("leash.py")


class ProgramFailed(Exception):
    """A program ended or did not become ready; the message carries the last lines of its log."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, where it writes, and how it is asked to stop."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    directory: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    """How long it may take to finish its work when asked to stop; then it is killed."""
    pid_file: Path | None = None
    lock: int | None = None
    """A locked file's descriptor that the leash holds too: the lock ends only when the program has."""


class Process:
    """One run of a program."""

    def __init__(self, program: Program, leash: asyncio.subprocess.Process, let_go: int) -> None:
        self.program = program
        self._leash = leash
        self._let_go: int | None = let_go

    @classmethod
    async def start(cls, program: Program) -> Self:
        """Start it; its output is appended to its log."""
        held, let_go = os.pipe()
        starting = asyncio.ensure_future(_start_leash(program, held))
        try:
            return cls(program, await asyncio.shield(starting), let_go)
        except BaseException:
            os.close(let_go)
            with contextlib.suppress(OSError):
                await (await starting).wait()  # asyncio would kill the leash, and on macOS leave its program alone
            raise
        finally:
            os.close(held)

    async def wait(self) -> int:
        """Its exit code, as a shell would say it (128 + n for signal n)."""
        code = await self._leash.wait()
        self._release()
        if code < 0:
            self._end_group()
        return code if code >= 0 else 128 - code

    async def stop(self) -> None:
        """Ask it to stop, let it finish, then insist."""
        if self._leash.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._leash.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leash.wait(), self.program.stop_seconds)
        self._release()
        await self._leash.wait()

    async def ready(self, answers: Callable[[], Awaitable[bool]], *, within: float = 30) -> None:
        """Wait until it answers. Raises ``ProgramFailed`` with the end of its log when it ends or stays silent."""

        async def answers_or_ended() -> bool:
            return self._leash.returncode is not None or await answers()

        try:
            await until(answers_or_ended, within=within, what=f"{self.program.name} does not answer")
        except TimeoutError as error:
            raise ProgramFailed(f"{error}\n{self.last_lines()}") from None
        if self._leash.returncode is not None:
            raise ProgramFailed(f"{self.program.name} ended with code {await self.wait()}\n{self.last_lines()}")

    def last_lines(self, count: int = 15) -> str:
        """The end of its log, for whoever has to find out why."""
        return last_lines(self.program.log, count)

    def _end_group(self) -> None:
        """Somebody killed the leash itself: only Linux then kills the program too."""
        if self.program.pid_file is not None:
            with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError, PermissionError):
                os.killpg(int(self.program.pid_file.read_text()), signal.SIGKILL)

    def _release(self) -> None:
        """Let go of the leash: whatever is left of the program has a few seconds to live."""
        if self._let_go is not None:
            os.close(self._let_go)
            self._let_go = None


async def run_once(program: Program) -> None:
    """Run a program to its end. Raises ``ProgramFailed`` unless it ended well."""
    process = await Process.start(program)
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        await process.stop()
        raise
    if code:
        raise ProgramFailed(f"{program.name} ended with code {code}\n{process.last_lines()}")


def last_lines(log: Path, count: int = 15) -> str:
    """The last lines of a log file, reading only its last 32 kB."""
    with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 32_768))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
    return ""


async def _start_leash(program: Program, held: int) -> asyncio.subprocess.Process:
    with program.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *_on_a_leash(program, held),
            cwd=program.directory,
            env=program.environment,
            pass_fds=(held,) if program.lock is None else (held, program.lock),
            start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
        )


def _on_a_leash(program: Program, held: int) -> list[str]:
    command = [sys.executable, "-I", "-S", str(LEASH), "--leash", str(held)]
    command += ["--stop-signal", program.stop_signal.name]
    if program.user:
        command += ["--user", program.user]
    if program.pid_file:
        command += ["--pid-file", str(program.pid_file)]
    if program.lock is not None:
        command += ["--lock", str(program.lock)]
    return [*command, "--", *program.command]
