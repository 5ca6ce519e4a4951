import os
import signal
import stat
from pathlib import Path

import psutil
from redis.asyncio import Redis

from local.valkey import Valkey
from tests.local.families import family, gone


def servers(valkey: Valkey) -> list[psutil.Process]:
    """The processes of this one: others belong to other tests."""
    marks = (str(valkey.directory), f":{valkey.port}")
    return [process for process in family() if any(mark in " ".join(process.cmdline()) for mark in marks)]


async def test_it_serves_whoever_knows_the_password_and_leaves_nothing_behind(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path / "redis", password="secret")
    async with valkey, Redis.from_url(valkey.url, decode_responses=True) as client:
        await client.set("key", "value")
        assert await client.get("key") == "value"
        started = servers(valkey)
        assert started
        assert not any("secret" in word for process in started for word in process.cmdline())
        assert stat.S_IMODE((tmp_path / "redis/valkey.conf").stat().st_mode) == 0o600

    await gone(started)


async def test_it_goes_with_its_leash(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path / "redis", password="secret")
    async with valkey:
        (server,) = [process for process in servers(valkey) if "leash" not in " ".join(process.cmdline())]
        os.kill(server.ppid(), signal.SIGKILL)

        await gone([server])
