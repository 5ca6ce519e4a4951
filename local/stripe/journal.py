"""What survives a kill -9: SQLite in WAL mode, one transaction for each request or each step of a clock."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = 3
SCHEMA = """
create table if not exists objects (position integer primary key, id text, body blob);
create table if not exists events (position integer primary key, id text, type text, created integer, body blob,
    logged real);
create table if not exists answers (
    key text primary key, stored real, fingerprint text, status integer, body blob,
    request text) without rowid;
create table if not exists deliveries (
    event text, endpoint text, attempts integer, due real, primary key (event, endpoint)) without rowid;
"""
FROM_2 = """
alter table events add column logged real;
drop table answers;
"""


class Journal:
    def __init__(self, directory: Path, fresh: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "stripe.sqlite"
        if fresh:
            for file in directory.glob("stripe.sqlite*"):
                file.unlink()
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("pragma journal_mode=wal")
        # A crash of this process loses nothing; only a power cut may lose the last transactions.
        self.db.execute("pragma synchronous=normal")
        self.db.execute("pragma wal_autocheckpoint=16000")
        self._make_tables(path)
        self.pending: list[tuple[str, tuple[Any, ...]]] = []
        self.positions: dict[str, int] = dict(self.db.execute("select id, position from objects"))
        self.next_position = max(self.positions.values(), default=0) + 1

    def _make_tables(self, path: Path) -> None:
        (version,) = self.db.execute("pragma user_version").fetchone()
        (tables,) = self.db.execute("select count(*) from sqlite_master").fetchone()
        if tables and version == 2:
            self.db.executescript(FROM_2)
        elif tables and version != VERSION:
            raise SystemExit(f"{path} was made by another version of the local Stripe: start it with --fresh.")
        self.db.executescript(SCHEMA)
        self.db.execute(f"pragma user_version={VERSION}")

    def objects(self) -> Iterator[bytes]:
        for (body,) in self.db.execute("select body from objects order by position"):
            yield body

    def keep(self, id: str, body: bytes | None) -> None:
        if body is None:
            self.write("delete from objects where position = ?", (self.positions.pop(id, None),))
            return
        if id not in self.positions:
            self.positions[id] = self.next_position
            self.next_position += 1
        self.write("insert or replace into objects values (?, ?, ?)", (self.positions[id], id, body))

    def write(self, sql: str, values: tuple[Any, ...]) -> None:
        """Joins the next commit."""
        self.pending.append((sql, values))

    def commit(self) -> None:
        if not self.pending:
            return
        pending, self.pending = self.pending, []
        self.db.execute("begin")
        for sql, values in pending:
            self.db.execute(sql, values)
        self.db.execute("commit")

    def close(self) -> None:
        self.commit()
        self.db.close()
