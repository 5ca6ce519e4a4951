import os
import signal
from pathlib import Path

import psutil
import psycopg
import pytest

from local.postgres import Postgres
from tests.local.families import family, gone


def ask(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


async def test_data_survives_a_restart_on_the_same_port(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "cluster")
    async with postgres:
        ask(postgres.url, "create table kept as select 42 as answer")
        before = postgres.url

    async with postgres:
        assert ask(postgres.url, "select answer from kept") == 42
        assert postgres.url == before


async def test_data_survives_a_kill_9_of_the_server_and_of_its_leash(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "cluster")
    async with postgres:
        ask(postgres.url, "create table kept as select 42 as answer")
        postmaster = int((tmp_path / "cluster/data/postmaster.pid").read_text().split()[0])
        backends = psutil.Process(postmaster).children()
        os.kill(postmaster, signal.SIGKILL)
        assert postgres.process is not None
        assert await postgres.process.wait() == 128 + signal.SIGKILL
        await gone(backends)

    async with postgres:
        assert ask(postgres.url, "select answer from kept") == 42


async def test_a_process_id_that_belongs_to_somebody_else_by_now_does_not_stop_the_start(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "cluster")
    async with postgres:
        pid_file = tmp_path / "cluster/data/postmaster.pid"
        stale = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *stale[1:]]))

    async with postgres:
        assert await postgres.answers()


async def test_an_interrupted_creation_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "cluster/data.partial"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    async with Postgres(tmp_path / "cluster") as postgres:
        assert await postgres.answers()


async def test_it_asks_for_the_password_and_keeps_checksums(tmp_path: Path) -> None:
    async with Postgres(tmp_path / "cluster") as postgres:
        password = tmp_path / "cluster/password"
        assert password.stat().st_mode & 0o777 == 0o600
        assert ask(postgres.url, "show data_checksums") == "on"
        assert ask(postgres.url, "show listen_addresses") == "127.0.0.1"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            ask(postgres.url.replace(password.read_text(), "guessed"), "select 1")


async def test_the_database_of_a_test_is_migrated_and_its_own(database: str) -> None:
    assert ask(database, "select count(*) from billing.subscriptions") == 0
    assert ask(database, 'select count(*) from "user"') == 0


async def test_nothing_is_left_when_it_stops(tmp_path: Path) -> None:
    async with Postgres(tmp_path / "cluster") as postgres:
        ours = [process for process in family() if str(postgres.port) in " ".join(process.cmdline())]
        assert len(ours) == 2, "the leash and the postmaster"
        ours += ours[-1].children()

    await gone(ours)
