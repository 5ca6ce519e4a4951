"""Keeps the parts of the stack alive: one that dies is started again on its own port; at the end all stop in order."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any

from local.parts import Part
from local.processes import ProgramFailed

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
STABLE_SECONDS = 30
"""Whoever lived this long starts again without waiting."""


class Supervision:
    """The parts that run, in the order of their start. ``say`` gets one line whenever one of them died or came back."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._parts: list[Part] = []
        self._watchers: dict[Part, asyncio.Task[None]] = {}

    async def start(self, part: Part) -> None:
        """Start a part and keep it alive from its first answer on."""
        await part.start()
        self._parts.append(part)
        self._watchers[part] = asyncio.create_task(self._keep_alive(part))

    async def stop(self, *parts: Part) -> None:
        """Stop these together; all that still run when none are named."""
        chosen = [part for part in self._parts if part in parts or not parts]
        for part in chosen:
            self._watchers[part].cancel()
        await asyncio.gather(*(self._watchers[part] for part in chosen), return_exceptions=True)
        await asyncio.gather(*(part.stop() for part in chosen))
        self._parts = [part for part in self._parts if part not in chosen]

    async def _keep_alive(self, part: Part) -> None:
        pause = FIRST_PAUSE
        while part.process is not None:
            started = time.monotonic()
            code = await part.process.wait()
            pause = FIRST_PAUSE if time.monotonic() - started > STABLE_SECONDS else min(pause * 2, LONGEST_PAUSE)
            self._say(f"{part.name} died ({_how(code)}); starting it again.")
            await self._bring_back(part, pause)

    async def _bring_back(self, part: Part, pause: float) -> None:
        died = time.monotonic()
        while True:
            await asyncio.sleep(pause)
            try:
                await part.start()
            except (ProgramFailed, TimeoutError, OSError) as error:
                pause = min(pause * 2, LONGEST_PAUSE)
                self._say(f"{part.name} does not start: {str(error).splitlines()[0]}; next try in {pause:.0f} s.")
            else:
                self._say(f"{part.name} is back after {time.monotonic() - died:.1f} s.")
                return


async def together(*steps: Coroutine[Any, Any, None]) -> None:
    """Run them at the same time; the first that fails ends the others, and its error is raised as it is."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _how(code: int) -> str:
    return f"signal {code - 128}" if code > 128 else f"exit code {code}"
