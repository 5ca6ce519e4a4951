"""What a benchmark sets up: PostgreSQL that keeps its promises (fsync on), our API and the bare routes as processes."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg

from benchmarks.bare import SECRET
from database.session import migrate
from local import betterauth
from local.configuration import shell
from local.parts import Part, answers_http
from local.ports import HOST, any_free
from local.postgres import Postgres
from local.processes import Program
from local.programs import Api
from settings import ROOT
from tests.fixtures.databases import SERVICE, as_service, make_roles

P = TypeVar("P", bound=Part)
AUTH_SECRET = "a-secret-of-benchmarks-0123456789abcdef"


class Bare(Part):
    """The bare routes as a process."""

    name = "bare routes"

    def __init__(self, url: str, *, log: Path, port: int) -> None:
        self.url = url
        self.log = log
        self.port = port

    def program(self) -> Program:
        command = (sys.executable, "-m", "benchmarks.bare", self.url, str(self.port))
        return Program(name=self.name, command=command, directory=ROOT, environment=shell(), log=self.log)

    async def answers(self) -> bool:
        return await answers_http(self.port, "/openapi.json")


@dataclass
class Stage:
    """A folder, a database and whoever serves on it; everything ends with the block."""

    folder: Path
    postgres: Postgres
    url: str
    stack: contextlib.AsyncExitStack

    async def api(self, log: str = "api", **settings: str) -> Api:
        """Our API as in production: ``python -m api`` with these settings (by their names) beside the usual ones."""
        port = any_free()
        environment = shell() | {f"PERENNIAL_{name.upper()}": value for name, value in self._settings(port).items()}
        environment |= {f"PERENNIAL_{name.upper()}": value for name, value in settings.items()}
        return await self.run(Api(environment, log=self.folder / f"{log}.log", port=port))

    async def bare(self) -> Bare:
        """The yardstick on the same database."""
        return await self.run(Bare(self.url, log=self.folder / "bare.log", port=any_free()))

    async def run(self, part: P) -> P:
        """Start a part; it stops with the stage."""
        part.pid_file = self.folder / f"{part.log.stem}.pid"
        return await self.stack.enter_async_context(part)

    def _settings(self, port: int) -> dict[str, str]:
        return {
            "mode": "local",
            "database_url": as_service(self.url),
            "temporal_address": f"{HOST}:{any_free()}",
            "stripe_api_key": "sk_test_benchmark",
            "stripe_api_url": f"http://{HOST}:{any_free()}",
            "stripe_webhook_secrets": SECRET,
            "auth_secret": AUTH_SECRET,
            "api_port": str(port),
            "api_metrics_port": str(any_free()),
            "log_format": "json",
            "allowed_return_origins": "https://a.example",
            "rate_reads": "off",
            "rate_writes": "off",
            "rate_anonymous": "off",
        }


@contextlib.asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """PostgreSQL in a folder of its own with our schema and Better-Auth's tables."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perennial-benchmark-")))
        postgres = Postgres(folder / "postgres")
        postgres.pid_file = folder / "postgres.pid"
        await stack.enter_async_context(postgres)
        await asyncio.to_thread(_fill, postgres.url)
        yield Stage(folder, postgres, postgres.url, stack)


def pid_of(part: Part) -> int:
    """The program itself, not its leash."""
    assert part.pid_file is not None
    return int(part.pid_file.read_text())


def versions(url: str) -> str:
    """What PostgreSQL says of itself, and that it syncs."""
    with psycopg.connect(url) as connection:
        version, fsync, commit = (
            str(connection.execute(f"show {name}".encode()).fetchone()[0])  # type: ignore[index]
            for name in ("server_version", "fsync", "synchronous_commit")
        )
    return f"PostgreSQL {version}, fsync {fsync}, synchronous_commit {commit}"


def _fill(url: str) -> None:
    make_roles(url)
    betterauth.create_tables(url)
    migrate(url, SERVICE)
