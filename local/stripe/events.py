"""The event log (https://docs.stripe.com/api/events). Bodies live in the journal, a short index in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from .journal import Journal
from .wall_clock import WallClock

if TYPE_CHECKING:
    from .world import World


SEARCHED = 20_000


class Happening(NamedTuple):
    """An event before it has an identity: the object as it was at that moment."""

    type: str
    created: int
    object: bytes
    previous: dict[str, Any] | None
    request: tuple[str | None, str | None]


@dataclass
class Logged:
    id: str
    type: str
    created: int
    body: bytes | None
    """The event's JSON without ``pending_webhooks``; None once it is only in the journal."""
    place: int = 0
    """Where it is in the log."""
    logged: float = 0.0
    """When it was written down, by the wall clock; ``created`` may be of a test clock."""


class EventLog:
    def __init__(self, journal: Journal, wall: WallClock) -> None:
        self.journal, self.wall = journal, wall
        self.index: dict[str, Logged] = {}
        self.pending: dict[str, int] = {}
        self.fresh: list[Logged] = []
        self.order: list[Logged] = []
        self.planners: list[Callable[[list[Logged]], None]] = []
        """Called before the transaction of new events is committed, to write with it."""
        self.listeners: list[Callable[[list[Logged]], None]] = []
        """Called after it is committed."""
        self.resend: Callable[[str, str], None] = lambda event, endpoint: None
        """Delivers an event to an endpoint once more; whoever delivers sets it."""
        rows = journal.db.execute("select id, type, created, logged from events order by position")
        for id, type, created, logged in rows:
            self._list(Logged(id, type, created, None, logged=logged or wall.now()))
        self.position = len(self.order)

    def _list(self, logged: Logged) -> None:
        logged.place = len(self.order)
        self.order.append(logged)
        self.index[logged.id] = logged

    def keep(self, world: "World") -> None:
        """Give the transaction's happenings their identity and write them with it."""
        from .world import API_VERSION

        now = self.wall.now()
        for happening in world.happenings:
            self.position += 1
            id = world.new_id("evt")
            data: dict[str, Any] = {"object": orjson.Fragment(happening.object)}
            if happening.previous is not None:
                data["previous_attributes"] = happening.previous
            request_id, key = happening.request
            body = orjson.dumps(
                {
                    "id": id,
                    "object": "event",
                    "api_version": API_VERSION,
                    "created": happening.created,
                    "data": data,
                    "livemode": False,
                    "request": {"id": request_id, "idempotency_key": key},
                    "type": happening.type,
                }
            )
            logged = Logged(id, happening.type, happening.created, body, logged=now)
            self.fresh.append(logged)
            values = (self.position, id, happening.type, happening.created, body, now)
            self.journal.write("insert into events values (?, ?, ?, ?, ?, ?)", values)
        for plan in self.planners:
            plan(self.fresh)

    def publish(self) -> None:
        """The transaction is kept: list the events and tell who delivers them."""
        fresh, self.fresh = self.fresh, []
        for logged in fresh:
            self._list(logged)
        if fresh:
            for listener in self.listeners:
                listener(fresh)
        for logged in fresh:
            if logged.id not in self.pending:
                logged.body = None

    def body(self, logged: Logged) -> bytes:
        """As the API shows it, with the number of webhooks still to deliver."""
        body = logged.body
        if body is None:
            sql = "select body from events where position = ?"
            (body,) = self.journal.db.execute(sql, (logged.place + 1,)).fetchone()
        return b'%s,"pending_webhooks":%d}' % (body[:-1], self.pending.get(logged.id, 0))

    def mentioning(self, text: str, limit: int) -> list[Logged]:
        """The newest events in which this text occurs, among the latest twenty thousand."""
        sql = "select id from events where position > ? and instr(body, ?) order by position desc limit ?"
        rows = self.journal.db.execute(sql, (self.position - SEARCHED, text.encode(), limit))
        return [self.index[id] for (id,) in rows if id in self.index]

    def delivered(self, id: str) -> None:
        """One endpoint less waits for this event."""
        left = self.pending.get(id, 0) - 1
        if left > 0:
            self.pending[id] = left
            return
        self.pending.pop(id, None)
        self.let_go(id)

    def let_go(self, id: str) -> None:
        """Nobody asks for this body again soon: the journal has it."""
        if id in self.index:
            self.index[id].body = None
