"""What has to happen when a clock gets there. A deadline is a stored object, so it survives a restart."""

import heapq
from typing import Any

from .store import Object, Store

ORDER = (
    "expire_coupon",
    "expire_promotion_code",
    "expire_discount",
    "trial_will_end",
    "announce_invoice",
    "expire_update",
    "resume_collection",
    "schedule_expiring",
    "enter_phase",
    "cancel",
    "period_end",
    "finalize",
    "collect",
    "overdue",
    "expire_incomplete",
    "expire_session",
    "settle_dispute",
    "settle_refund",
)
"""Which comes first when several fall on one second."""


class Deadlines:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.heaps: dict[str | None, list[tuple[int, int, str]]] = {}
        self.on_wall_change: Any = None
        for deadline in store.kinds.get("_deadline", {}).values():
            self._push(deadline)

    def set(self, kind: str, subject: Object, at: int) -> None:
        """One deadline of each kind for each subject: a new one replaces the old."""
        id = f"{kind}:{subject['id']}"
        deadline = self.store.get(id)
        if deadline is None:
            deadline = {"id": id, "object": "_deadline", "kind": kind, "_subject": subject["id"]}
            deadline |= {"at": at, "_clock": subject.get("_clock")}
            self.store.put(deadline)
        else:
            self.store.edit(deadline)["at"] = at
        self._push(deadline)

    def clear(self, kind: str, subject: Object) -> None:
        deadline = self.store.get(f"{kind}:{subject['id']}")
        if deadline is not None:
            self.store.delete(deadline)

    def at(self, kind: str, subject: Object) -> int | None:
        deadline = self.store.get(f"{kind}:{subject['id']}")
        return deadline["at"] if deadline else None

    def next(self, clock: str | None) -> Object | None:
        """The earliest deadline of a clock. Entries that were replaced or taken back are dropped here."""
        heap = self.heaps.get(clock, [])
        while heap:
            at, _, id = heap[0]
            deadline = self.store.get(id)
            if deadline is not None and deadline["at"] == at:
                return deadline
            heapq.heappop(heap)
        return None

    def forget_clock(self, clock: str) -> None:
        self.heaps.pop(clock, None)

    def _push(self, deadline: Object) -> None:
        clock = deadline.get("_clock")
        rank = ORDER.index(deadline["kind"])
        heapq.heappush(self.heaps.setdefault(clock, []), (deadline["at"], rank, deadline["id"]))
        if clock is None and self.on_wall_change:
            self.on_wall_change()
