"""All that one local Stripe keeps: objects, clocks, deadlines, events. Handlers get it as their first argument."""

import random
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from .deadlines import Deadlines
from .events import EventLog, Happening
from .journal import Journal
from .protocol.errors import missing
from .protocol.scalars import empty
from .settings import Settings
from .store import Object, Store
from .wall_clock import WallClock

API_VERSION = "2026-10-28.endive"
ALPHABET = string.ascii_letters + string.digits


AT_THE_END: list[Callable[["World"], None]] = []
"""Called before a transaction's events are kept, with all of them in :attr:`World.happenings`; may add more."""


class World:
    def __init__(self, directory: Path, fresh: bool = False) -> None:
        self.journal = Journal(directory, fresh)
        self.store = Store(self.journal)
        self.wall = WallClock(self.store)
        self.events = EventLog(self.journal, self.wall)
        self.deadlines = Deadlines(self.store)
        self.happenings: list[Happening] = []
        self.request: tuple[str | None, str | None] = (None, None)
        self.url = "http://127.0.0.1"
        self.draw = random.Random()

    # identity and time

    def new_id(self, prefix: str, length: int = 24) -> str:
        return f"{prefix}_{''.join(self.draw.choices(ALPHABET, k=length))}"

    def now(self, clock: str | None) -> int:
        """Seconds on a test clock, or on the wall clock."""
        if clock is None:
            return int(self.wall.now())
        found = self.store.get(clock)
        return int(found["_now"]) if found else int(self.wall.now())

    def clock_of(self, customer: str | None) -> str | None:
        found = self.store.get(customer) if customer else None
        return found.get("_clock") if found else None

    def customer_now(self, customer: str | None) -> int:
        return self.now(self.clock_of(customer))

    # objects

    def find(self, kind: str, id: str, param: str = "id") -> Object:
        """A live object of this kind, or Stripe's 404 naming the parameter that asked for it."""
        if not id:
            raise empty(param)
        obj = self.store.get(id)
        if obj is None or obj["object"] != kind or obj.get("deleted"):
            raise missing(kind.replace("test_helpers.", "").replace("checkout.", "checkout "), id, param)
        return obj

    @property
    def settings(self) -> Settings:
        return Settings.of(self.store.get("settings"))

    # events

    def emit(self, type: str, obj: Object, previous: Object | None = None, at: int | None = None) -> None:
        """Note what happened; ``at`` puts it before what was noted since (see :meth:`mark`)."""
        now = self.now(obj.get("_clock"))
        happening = Happening(type, now, orjson.dumps(visible(obj)), previous, self.request)
        self.happenings.insert(len(self.happenings) if at is None else at, happening)

    def mark(self) -> int:
        return len(self.happenings)

    @contextmanager
    def changing(self, obj: Object, event: str | None) -> Iterator[Object]:
        """Change an object; when it differs afterwards, say so with its ``previous_attributes``."""
        self.store.edit(obj)
        before = orjson.loads(orjson.dumps(visible(obj)))
        yield obj
        previous = difference(before, visible(obj))
        if previous and event:
            self.emit(event, obj, previous)

    @contextmanager
    def transaction(self, request: tuple[str | None, str | None] = (None, None)) -> Iterator[None]:
        """All that one request, or one step of a clock, does; its events are published when it is kept."""
        self.request, self.happenings = request, []
        try:
            with self.store.transaction():
                try:
                    yield
                except Exception as failure:
                    if getattr(failure, "keeps_effects", False):
                        self._keep()
                    raise
                else:
                    self._keep()
        finally:
            self.request, self.happenings = (None, None), []
            # Nothing is there to publish when the transaction was rolled back.
            self.events.publish()

    def _keep(self) -> None:
        for follow in AT_THE_END:
            follow(self)
        self.events.keep(self)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Try something inside a transaction and take it back, events included."""
        mark = self.mark()
        try:
            with self.store.rehearsal():
                yield
        finally:
            del self.happenings[mark:]


def visible(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name[0] != "_"}


def difference(before: Any, after: Any) -> Any:
    """The old values of what changed: nested hashes by key, arrays whole, a key that is new as null."""
    previous = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            nested = difference(old, new)
            previous[name] = nested
        else:
            previous[name] = old
    return previous
