"""Every object in memory, indexed, with transactions; the journal keeps what a transaction changed.

Objects are plain dicts in Stripe's wire form. Top-level keys that begin with an underscore are ours and never rendered.
Whoever changes an object calls :meth:`Store.edit` first, so that a failed request leaves nothing behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from .journal import Journal

Object = dict[str, Any]
INDEXED = (
    "customer",
    "subscription",
    "invoice",
    "payment_intent",
    "charge",
    "product",
    "_clock",
    "_subscription",
    "_code",
    "_customer",
)


class Store:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.objects: dict[str, Object] = {}
        self.kinds: dict[str, dict[str, Object]] = {}
        self.index: dict[tuple[str, str, Any], dict[str, Object]] = {}
        self.indexed: dict[str, list[tuple[str, str, Any]]] = {}
        self.before: dict[str, bytes | None] | None = None
        for body in journal.objects():
            self._insert(orjson.loads(body))

    def get(self, id: str) -> Object | None:
        return self.objects.get(id)

    def all(self, kind: str) -> list[Object]:
        """Newest first, as Stripe's lists are."""
        return list(reversed(self.kinds.get(kind, {}).values()))

    def where(self, kind: str, field: str, value: Any) -> list[Object]:
        """Newest first; ``field`` is one of INDEXED."""
        return list(reversed(self.index.get((kind, field, value), {}).values()))

    def put(self, obj: Object) -> Object:
        self.edit(obj)
        self._insert(obj)
        return obj

    def reindex(self, obj: Object) -> None:
        """An edited object has a new owner: find it there from now on."""
        self._unindex(obj)
        self._enlist(obj)

    def edit(self, obj: Object) -> Object:
        assert self.before is not None, "objects change inside a transaction"
        id = obj["id"]
        if id not in self.before:
            self.before[id] = orjson.dumps(obj) if id in self.objects else None
        return obj

    def delete(self, obj: Object) -> None:
        self.edit(obj)
        self._remove(obj["id"])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing in memory and on disk. An exception that ``keeps_effects`` commits."""
        assert self.before is None, "transactions do not nest"
        self.before = {}
        try:
            yield
        except BaseException as failure:
            if getattr(failure, "keeps_effects", False):
                self._commit()
            else:
                self.rollback(self.before)
                self.before = None
            raise
        else:
            self._commit()

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Inside a transaction: do something, look at it, and take it all back."""
        outer, self.before = self.before, {}
        try:
            yield
        finally:
            self.rollback(self.before)
            self.before = outer

    def rollback(self, before: dict[str, bytes | None]) -> None:
        for id, body in before.items():
            self._restore(id, body)

    def _restore(self, id: str, body: bytes | None) -> None:
        current = self.objects.get(id)
        if body is None:
            self._remove(id)
        elif current is None:
            self._insert(orjson.loads(body))
        else:
            old = orjson.loads(body)
            self._unindex(current)
            current.clear()
            current.update(old)
            self._enlist(current)

    def _commit(self) -> None:
        changed, self.before = self.before or {}, None
        for id in changed:
            obj = self.objects.get(id)
            self.journal.keep(id, orjson.dumps(obj) if obj is not None else None)
        self.journal.commit()

    def _insert(self, obj: Object) -> None:
        self.objects[obj["id"]] = obj
        self.kinds.setdefault(obj["object"], {})[obj["id"]] = obj
        self._enlist(obj)

    def _remove(self, id: str) -> None:
        obj = self.objects.pop(id, None)
        if obj is not None:
            self.kinds[obj["object"]].pop(id, None)
            self._unindex(obj)

    def _enlist(self, obj: Object) -> None:
        keys = [(obj["object"], field, obj[field]) for field in INDEXED if isinstance(obj.get(field), str)]
        for key in keys:
            self.index.setdefault(key, {})[obj["id"]] = obj
        self.indexed[obj["id"]] = keys

    def _unindex(self, obj: Object) -> None:
        for key in self.indexed.pop(obj["id"], ()):
            self.index.get(key, {}).pop(obj["id"], None)
