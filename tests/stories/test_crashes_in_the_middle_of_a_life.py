"""kill -9 of one part after another in the middle of a customer's life; the life ends right, and everything once.

Slow (a whole stack and a whole life): deselect with ``-m "not slow"``.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from local import ports
from local.waiting import until
from settings import ROOT
from tests.local.families import family, gone

WHOLE_LIFE = [
    "trial_started",
    "trial_ending",
    "trial_converted",
    "renewed",
    "payment_failed",
    "payment_recovered",
    "plan_changed",
    "cancellation_scheduled",
    "canceled",
]
LETTERS = Counter({"trial_ending", "welcome", "payment_failed", "payment_recovered", "plan_changed"})
LETTERS += Counter({"cancellation_scheduled", "canceled"})

TOLD = {
    "Ada signs up": "worker",
    "The trial is about to end": "api",
    "The trial ends, the card is charged": "temporal",
    "The subscription renews": "stripe",
    "The card fails": "postgres",
    "A new card pays": "worker",
}
"""What the demo has just told, and who dies then."""


@dataclass
class Run:
    """``perennial up`` with its demo, as another process."""

    process: asyncio.subprocess.Process
    directory: Path

    @property
    def said(self) -> str:
        """Everything so far, without colours."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.directory.with_suffix(".out").read_text())

    async def says(self, words: str) -> None:
        """Wait until it has."""

        async def has() -> bool:
            assert self.process.returncode is None, self.said
            assert "✗" not in self.said, self.said
            return words in self.said

        try:
            await until(has, within=90, what=f"it does not say {words!r}")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.said}") from None

    async def has_sent_its_letters(self) -> None:
        """Wait for that. A letter that the worker held when it died is offered again when its claim is over."""

        async def none_waits() -> bool:
            return not self.rows("select id from billing.notifications where status = 'pending'")

        await until(none_waits, within=300, what="a letter is still waiting")

    def kill(self, part: str) -> None:
        """kill -9, as the kernel does when memory is short."""
        os.kill(int((self.directory / "pids" / part).read_text()), signal.SIGKILL)

    def described(self) -> dict[str, Any]:
        return dict(json.loads((self.directory / "stack.json").read_text()))

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Straight from the database."""
        url = self.described()["environment"]["PERENNIAL_DATABASE_URL"]
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]


@asynccontextmanager
async def stack_with_demo(directory: Path) -> AsyncIterator[Run]:
    free = filter(ports.is_free, random.sample(range(20_000, 30_000), 1000))  # where the kernel hands out none
    chosen = [part for port in ports.PORTS.values() for part in (port.option, str(next(free)))]
    command = (sys.executable, "-m", "cli", "up", "--state", str(directory), *chosen)
    with directory.with_suffix(".out").open("wb") as out:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=out, stderr=out)
    try:
        yield Run(process, directory)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def letters_in_the_mailbox(run: Run) -> Counter[str]:
    """How often each letter came, by its id."""
    async with httpx.AsyncClient(base_url=run.described()["addresses"]["mailbox"], trust_env=False) as http:
        return Counter(str(letter["message_id"]) for letter in (await http.get("/api/messages")).json())


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_every_part_dies_once_in_a_life_that_ends_as_it_should(tmp_path: Path) -> None:
    async with stack_with_demo(tmp_path / "state") as run:
        for told, part in TOLD.items():
            await run.says(told)
            await run.has_sent_its_letters()  # one that is held in this moment waits for three minutes; see the outbox
            run.kill(part)
        await run.says("The timeline of this customer")
        await run.has_sent_its_letters()

        assert [
            row["entry"] for row in run.rows("select entry from billing.timeline order by seq, position")
        ] == WHOLE_LIFE
        assert [row["status"] for row in run.rows("select status from billing.subscriptions")] == ["canceled"]
        sent = run.rows("select kind, status from billing.notifications")
        assert Counter(row["kind"] for row in sent) == LETTERS
        assert {row["status"] for row in sent} == {"sent"}
        assert set((await letters_in_the_mailbox(run)).values()) == {1}
        assert not run.rows("select id from billing.events where status in ('pending', 'delivered')")
        assert not run.rows("select id from billing.operations where status = 'pending'")

        members: list[psutil.Process] = family(run.process.pid)
        run.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(run.process.wait(), 60) == 0
        await gone(members, within=1)
