"""A letter as a row of `billing.notifications`, there and back."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from lifecycle.notifications import Notification, NotificationDue

# Never change it: every id of a letter, and so every Message-ID, is made from it.
_NAMESPACE = UUID("6d0ef9a2-4c1b-5b0e-9a53-3f2f4f6a7c11")
_MOMENTS = {field.name for field in fields(NotificationDue) if "datetime" in str(field.type)}
_FACTS = [field.name for field in fields(NotificationDue) if field.name not in {"kind", "occasion"}]


def letter_id(user_id: str, kind: Notification, occasion: str) -> UUID:
    """The same letter has the same id however often it is decided, so it is written down and sent once."""
    return uuid5(_NAMESPACE, "\x1f".join((user_id, kind, occasion)))


def row_from_due(user_id: str, due: NotificationDue) -> dict[str, Any]:
    """The row to insert (``on conflict do nothing``): id, user_id, kind, occasion and the facts it may state."""
    facts = {name: value for name in _FACTS if (value := getattr(due, name)) is not None}
    return {
        "id": letter_id(user_id, due.kind, due.occasion),
        "user_id": user_id,
        "kind": str(due.kind),
        "occasion": due.occasion,
        "data": {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()},
    }


def due_from_row(row: Mapping[str, Any]) -> NotificationDue:
    """What a row of `notifications` says.

    Facts that this release does not know are left out: a newer one may have written the row while both run.
    Raises `ValueError` for a kind that is unknown.
    """
    known = {name: value for name, value in row["data"].items() if name in _FACTS}
    for name in _MOMENTS & known.keys():
        known[name] = datetime.fromisoformat(known[name])
    return NotificationDue(kind=Notification(row["kind"]), occasion=row["occasion"], **known)
