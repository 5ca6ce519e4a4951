"""Waiting for a condition with a deadline, never for a fixed time."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], Awaitable[bool]], *, within: float, what: str) -> None:
    """Ask again and again (20 ms apart, later 200 ms) until ``condition`` is true.

    Raises ``TimeoutError`` naming ``what`` after ``within`` seconds. A condition that itself hangs is cut off too.
    """
    started, pause = time.monotonic(), 0.02
    try:
        async with asyncio.timeout(within):
            while not await condition():
                await asyncio.sleep(pause)
                pause = min(0.2, pause * 1.3)
    except TimeoutError:
        raise TimeoutError(f"{what} after {time.monotonic() - started:.0f} s") from None
