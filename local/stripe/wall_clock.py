"""The wall clock of this Stripe: the real one, or ahead of it when somebody cannot wait."""

import time

from .store import Store

ID = "wall_clock"


class WallClock:
    def __init__(self, store: Store) -> None:
        self.store = store
        stored = store.get(ID)
        self.ahead: int = stored["ahead"] if stored else 0
        """Seconds."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.ahead

    def advance(self, seconds: int) -> None:
        """Inside a transaction; it survives a restart."""
        self.ahead += seconds
        stored = self.store.get(ID)
        if stored is None:
            self.store.put({"id": ID, "object": "_wall_clock", "ahead": self.ahead})
        else:
            self.store.edit(stored)["ahead"] = self.ahead
