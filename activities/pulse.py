"""A sign of life while an activity runs, so that a worker that died is noticed in seconds and not in minutes.

Temporal starts an activity again when its heartbeat is late, else only when all of its time is over.
https://docs.temporal.io/encyclopedia/detecting-activity-failures#heartbeat-timeout
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

DEAD_AFTER = timedelta(seconds=15)
"""The heartbeat timeout of a step. Those of upkeep are longer: they beat by themselves, as they get on."""
FIRST_BEAT_AFTER_SECONDS = 4.0
"""Most steps are over by then and cost no heartbeat, which Temporal Cloud would bill as an action."""


class PulseInterceptor(Interceptor):
    """Lets every step beat while it runs."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap every activity."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self._told = _Remembering(outbound)
        super().init(self._told)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        async with self._beating():
            return await super().execute_activity(input)

    @contextlib.asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        info = activity.info()
        if info.is_local or info.heartbeat_timeout is None or info.heartbeat_timeout > DEAD_AFTER:
            yield
            return
        self._told.details = tuple(info.heartbeat_details)
        beating = asyncio.create_task(self._beat_for_ever())
        try:
            yield
        finally:
            beating.cancel()

    async def _beat_for_ever(self) -> None:
        """What the activity itself last told is told again: a heartbeat takes the place of the one before."""
        while True:
            await asyncio.sleep(FIRST_BEAT_AFTER_SECONDS)
            activity.heartbeat(*self._told.details)


class _Remembering(ActivityOutboundInterceptor):
    def __init__(self, next: ActivityOutboundInterceptor) -> None:
        super().__init__(next)
        self.details: tuple[Any, ...] = ()

    def heartbeat(self, *details: Any) -> None:
        self.details = details
        super().heartbeat(*details)
