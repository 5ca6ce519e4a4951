"""The way to Temporal: one client for a program, patient while the server is away."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from production import temporal_finding
from settings import Settings
from workflows.payloads import converter_for

CLI = "perennial-cli"
"""As which operators' commands connect: histories need not say on whose machine one was typed."""
_LONGEST_PAUSE_SECONDS = 15.0

Answer = TypeVar("Answer")

_log = structlog.get_logger(__name__)


async def connect(
    settings: Settings, *, runtime: Runtime | None = None, lazy: bool = False, identity: str | None = None
) -> Client:
    """A client for the namespace of this installation; dates, enums and unions travel as Pydantic writes them.

    With ``lazy`` it connects at the first call, so that a program can start while Temporal is away. A profile
    (``settings.temporal_profile``) brings address, namespace, TLS and API key from `temporalio.envconfig`. ``identity``
    is kept in histories; without one it is the process on its host.
    Raises `ValueError` in production mode when it would leave the own network without TLS.
    """
    where = target(settings)
    finding = temporal_finding(str(where["target_host"]), has_tls=is_encrypted(where))
    if settings.mode == "production" and finding and finding.is_grave:
        raise ValueError(f"{finding.setting} {finding.words}")
    return await Client.connect(
        **where,  # type: ignore[arg-type]  # the profile is typed as a mapping of its own
        data_converter=converter_for(settings),
        runtime=runtime,
        lazy=lazy,
        identity=identity,
    )


def target(settings: Settings) -> dict[str, object]:
    """Address, namespace, TLS and API key, by the names of `Client.connect`."""
    where: dict[str, object] = {"target_host": settings.temporal_address, "namespace": settings.temporal_namespace}
    if settings.temporal_profile:
        profile = ClientConfigProfile.load(profile=settings.temporal_profile)
        where |= dict(profile.to_client_connect_config())
    return where


def is_encrypted(where: dict[str, object]) -> bool:
    """An API key switches TLS on by itself, unless the profile switches it off."""
    tls = where.get("tls")
    return bool(tls) or (tls is None and bool(where.get("api_key")))


async def connect_patiently(settings: Settings, *, runtime: Runtime | None = None) -> Client:
    """The same, trying for ever: a worker that starts before Temporal simply waits for it."""
    return await patiently(partial(connect, settings, runtime=runtime))


async def patiently(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call again and again until Temporal answers; meanwhile the program waits and does not end."""
    pause = 0.5
    while True:
        try:
            return await call()
        except (RPCError, RuntimeError, OSError) as error:
            _log.warning("temporal_away", reason=type(error).__name__, next_try_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
