"""Which endpoint still has to hear of which event: kept in the journal, counted in ``pending_webhooks``.

A row stays until its delivery succeeded. One that was given up has no ``due`` and is not tried again, and its event
counts as not delivered (https://docs.stripe.com/api/events/list#list_events-delivery_success).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World

Object = dict[str, Any]
DISABLED_AFTER = 7 * 86400
"""Seconds of the wall clock without one success; Stripe says only "multiple days"."""


class DeliveryBook:
    def __init__(self, world: "World") -> None:
        self.world, self.journal = world, world.journal
        self.given_up: set[tuple[str, str]] = set()
        for event, endpoint in self.journal.db.execute("select event, endpoint from deliveries where due is null"):
            self.given_up.add((event, endpoint))
            self._count(event)

    def _count(self, event: str) -> None:
        pending = self.world.events.pending
        pending[event] = pending.get(event, 0) + 1

    def left_over(self) -> list[tuple[str, str, int, float]]:
        """What a stopped process had still to deliver, oldest event first."""
        rows = self.journal.db.execute(
            "select event, endpoint, attempts, due from deliveries where due is not null"
        ).fetchall()
        return sorted(rows, key=lambda row: self.world.events.index[row[0]].place)

    # endpoints

    def enabled(self) -> list[Object]:
        return [one for one in self.world.store.all("webhook_endpoint") if one["status"] == "enabled"]

    def wants(self, endpoint: Object, type: str) -> bool:
        return "*" in endpoint["enabled_events"] or type in endpoint["enabled_events"]

    def answered(self, endpoint: Object, succeeded: bool) -> None:
        """An endpoint that fails for days is disabled (https://docs.stripe.com/webhooks#behaviors)."""
        since, now = endpoint.get("_failing_since"), self.world.wall.now()
        if succeeded and since is None:
            return
        if not succeeded and since is not None and now - since <= DISABLED_AFTER:
            return
        with self.world.transaction():
            self.world.store.edit(endpoint)
            endpoint["_failing_since"] = None if succeeded else since or now
            if not succeeded and since is not None:
                endpoint["status"], endpoint["_failing_since"] = "disabled", None

    # deliveries; what is written here joins the next transaction, so that a crash before it delivers an event twice,
    # as Stripe may

    def plan(self, event: str, endpoint: str, at: float) -> None:
        values = (event, endpoint, 0, at)
        self.journal.write("insert or replace into deliveries values (?, ?, ?, ?)", values)

    def expect(self, event: str, endpoint: str) -> None:
        """Counted until it succeeds; one that had been given up is counted already."""
        if (event, endpoint) in self.given_up:
            self.given_up.discard((event, endpoint))
        else:
            self._count(event)

    def tried(self, event: str, endpoint: str, attempts: int) -> None:
        values = (attempts, event, endpoint)
        self.journal.write("update deliveries set attempts = ? where event = ? and endpoint = ?", values)

    def give_up(self, event: str, endpoint: str) -> None:
        self.given_up.add((event, endpoint))
        self.world.events.let_go(event)
        self.journal.write("update deliveries set due = null where event = ? and endpoint = ?", (event, endpoint))

    def forget_endpoints_that_are_gone(self) -> None:
        """What was given up for them is not waited for any more."""
        for event, endpoint in [one for one in self.given_up if self.world.store.get(one[1]) is None]:
            self.given_up.discard((event, endpoint))
            self.finish(event, endpoint)

    def finish(self, event: str, endpoint: str) -> None:
        self.world.events.delivered(event)
        self.journal.write("delete from deliveries where event = ? and endpoint = ?", (event, endpoint))
