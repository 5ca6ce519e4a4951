"""``perennial up`` as a person runs it: in a process of its own, stopped with Ctrl-C, killed, resumed."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from local import ports
from local.waiting import until
from settings import ROOT
from tests.local.families import family, gone

COMMAND = (sys.executable, "-m", "cli", "up", "--no-demo")
SUBSCRIBE = {"plan": "BASIC", "interval": "month", "payment_method": "pm_card_visa"}


def options(directory: Path, **asked: int) -> list[str]:
    """The state folder, and a free port for every part that is not asked for."""
    chosen = {name: asked.get(name) or ports.any_free() for name in ports.PORTS}
    named = [part for name, number in chosen.items() for part in (ports.PORTS[name].option, str(number))]
    return ["--state", str(directory), *named]


@asynccontextmanager
async def stack(directory: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """A stack that is up, and its ``stack.json``."""
    with directory.with_suffix(".out").open("wb") as out:
        process = await asyncio.create_subprocess_exec(*COMMAND, *options(directory), cwd=ROOT, stdout=out, stderr=out)
    described = directory / "stack.json"

    async def is_up() -> bool:
        assert process.returncode is None, directory.with_suffix(".out").read_text()
        return described.exists()

    try:
        await until(is_up, within=90, what="the stack is not up")
        yield process, json.loads(described.read_text())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def call(about: dict[str, Any], method: str, path: str, **more: Any) -> httpx.Response:
    ada = about["users"]["ada"]
    async with httpx.AsyncClient(base_url=about["addresses"]["api"], timeout=20, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {ada['token']}", "Idempotency-Key": f"{method}{path}"}
        return await client.request(method, f"/billing{path}", headers=headers, **more)


def in_a_shell(directory: Path, command: str) -> str:
    """What an operator's command says, run as the README has it."""
    line = f'eval "$(perennial environment --state {shlex.quote(str(directory))})" && {command}'
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=os.environ | {"PATH": path})
    return ended.stdout + ended.stderr


async def test_a_stack_subscribes_survives_kills_stops_without_a_trace_and_resumes(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    async with stack(directory) as (up, about):
        assert stat.S_IMODE((directory / "stack.json").stat().st_mode) == 0o600
        answer = await call(about, "POST", "/subscriptions", json=SUBSCRIBE)
        assert answer.json()["status"] == "trialing", answer.text
        said = in_a_shell(directory, "perennial timeline $ADA")
        assert "trial started" in said, said

        before = family(up.pid)
        for name in ("worker", "api", "temporal", "postgres", "stripe"):
            os.kill(int((directory / "pids" / name).read_text()), signal.SIGKILL)

        answers: list[str] = []

        async def whole_again() -> bool:
            with contextlib.suppress(httpx.TransportError):
                answer = await call(about, "PATCH", "/subscriptions/plan", json={"plan": "PRO"})
                answers.append(answer.text)
                return answer.status_code == 200
            return False

        try:
            await until(whole_again, within=60, what="the stack is not whole again after kill -9")
        except TimeoutError as error:
            raise AssertionError(f"{error}: {answers[-1:]}\n{directory.with_suffix('.out').read_text()}") from None
        before += family(up.pid)
        up.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(up.wait(), 60) == 0
        await gone(before, within=1)
        assert not (directory / "stack.json").exists(), "it says that a stack runs"

    async with stack(directory) as (up, again):
        mine = (await call(again, "GET", "/subscriptions/me")).json()
        assert (mine["status"], mine["plan"]) == ("trialing", "PRO")
        assert again["users"] == about["users"]
        before = family(up.pid)
        up.kill()
        await gone(before)


async def test_a_port_that_is_taken_is_named_and_nothing_starts(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        refused = await asyncio.create_subprocess_exec(
            *(*COMMAND, *options(tmp_path / "state", api=taken)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"COLUMNS": "200"},
        )
        words, _ = await asyncio.wait_for(refused.communicate(), 30)
    assert refused.returncode == 2
    assert f"Port {taken} for the API is taken by another program" in words.decode()
    assert "--api-port" in words.decode()
    assert not (tmp_path / "state" / "postgres").exists()


@pytest.mark.parametrize("folder", ["stack", "with spaces"])
def test_a_leash_started_from_anywhere_needs_nothing_but_python(folder: str, tmp_path: Path) -> None:
    """``-I -S``: neither the project nor any package has to be importable where a program starts."""
    place = tmp_path / folder
    place.mkdir()
    reading, writing = os.pipe()
    leash = psutil.Popen(
        [sys.executable, "-I", "-S", str(ROOT / "local" / "leash.py"), "--leash", str(reading), "--", "sleep", "600"],
        pass_fds=(reading,),
        cwd=place,
    )
    os.close(reading)
    os.close(writing)
    assert leash.wait(timeout=10) == 128 + signal.SIGTERM
