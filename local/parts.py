"""What every part of the stack has in common: a program, how to prepare for it, and how to tell that it answers."""

import asyncio
import contextlib
import http.client
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Self

from local.ports import HOST
from local.processes import Process, Program


class Part(ABC):
    """One program of the stack, startable alone: ``async with`` runs it from its first answer to its end."""

    name: str
    log: Path
    process: Process | None = None
    pid_file: Path | None = None
    lock: int | None = None

    @abstractmethod
    def program(self) -> Program:
        """What to run; asked anew at every start."""

    @abstractmethod
    async def answers(self) -> bool:
        """It does its work now."""

    async def prepare(self) -> None:  # noqa: B027 - most parts need nothing before they start
        """What must be in order before each start, also after a crash."""

    async def start(self) -> None:
        """Start it and wait for its first answer. Raises ``ProgramFailed`` with the end of its log."""
        await self.prepare()
        self.process = await Process.start(replace(self.program(), pid_file=self.pid_file, lock=self.lock))
        try:
            await self.process.ready(self.answers)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ask it to stop and wait until nothing of it is left."""
        if self.process is not None:
            await self.process.stop()
            self.process = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def answers_http(port: int, path: str = "/") -> bool:
    """Something on this loopback port speaks HTTP and is content (below 400)."""
    status, _ = await asyncio.to_thread(_get, port, path)
    return status < 400


async def page(port: int, path: str) -> str:
    """What a loopback port answers; nothing while nobody does."""
    _, body = await asyncio.to_thread(_get, port, path)
    return body


def _get(port: int, path: str) -> tuple[int, str]:
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=2)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return 599, ""
