"""The table of moves: from which status, by which fact, to which status.

The diagram in the README is generated from it (`mermaid`), and a test keeps the two equal.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from lifecycle.statuses import Status


class Move(StrEnum):
    """A fact about a customer, in the past tense; it names what happened in the timeline."""

    TRIAL_STARTED = "trial_started"
    SUBSCRIBED = "subscribed"
    PAYMENT_PENDING = "payment_pending"
    FIRST_PAYMENT_RECEIVED = "first_payment_received"
    FIRST_PAYMENT_EXPIRED = "first_payment_expired"
    TRIAL_EXTENDED = "trial_extended"
    TRIAL_SHORTENED = "trial_shortened"
    CARD_ADDED = "card_added"
    TRIAL_CONVERTED = "trial_converted"
    TRIAL_ENDED_WITHOUT_CARD = "trial_ended_without_card"
    TRIAL_PAUSED_WITHOUT_CARD = "trial_paused_without_card"
    MOVED_TO_FREE_PLAN = "moved_to_free_plan"
    RENEWED = "renewed"
    PLAN_CHANGED = "plan_changed"
    PLAN_CHANGE_PLANNED = "plan_change_planned"
    PLAN_CHANGE_DROPPED = "plan_change_dropped"
    CANCELLATION_SCHEDULED = "cancellation_scheduled"
    CANCELLATION_UNDONE = "cancellation_undone"
    CANCELED = "canceled"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_FAILED_AGAIN = "payment_failed_again"
    PAYMENT_RECOVERED = "payment_recovered"
    INVOICE_FORGIVEN = "invoice_forgiven"
    REPLACED = "replaced"
    GAVE_UP = "gave_up"
    LEFT_UNPAID = "left_unpaid"
    PAUSED = "paused"
    RESUMED = "resumed"


_LIVE: Mapping[Move, Status | None] = {
    Move.PLAN_CHANGED: None,
    Move.PLAN_CHANGE_PLANNED: None,
    Move.PLAN_CHANGE_DROPPED: None,
    Move.CANCELLATION_SCHEDULED: None,
    Move.CANCELLATION_UNDONE: None,
    Move.CANCELED: Status.CANCELED,
}
"""Moves that every running subscription knows; None: the status stays."""

_BIRTH: Mapping[Move, Status | None] = {
    Move.TRIAL_STARTED: Status.TRIALING,
    Move.SUBSCRIBED: Status.ACTIVE,
    Move.PAYMENT_PENDING: Status.INCOMPLETE,
}

_TABLE: Mapping[Status, Mapping[Move, Status | None]] = {
    Status.NONE: _BIRTH,
    Status.INCOMPLETE: {
        Move.FIRST_PAYMENT_RECEIVED: Status.ACTIVE,
        Move.FIRST_PAYMENT_EXPIRED: Status.INCOMPLETE_EXPIRED,
        Move.CANCELED: Status.CANCELED,
    },
    Status.TRIALING: {
        **_LIVE,
        Move.TRIAL_EXTENDED: None,
        Move.TRIAL_SHORTENED: None,
        Move.CARD_ADDED: None,
        Move.TRIAL_CONVERTED: Status.ACTIVE,
        Move.MOVED_TO_FREE_PLAN: Status.ACTIVE,
        Move.PAYMENT_FAILED: Status.PAST_DUE,
        Move.TRIAL_ENDED_WITHOUT_CARD: Status.CANCELED,
        Move.TRIAL_PAUSED_WITHOUT_CARD: Status.PAUSED,
    },
    Status.ACTIVE: {
        **_LIVE,
        Move.RENEWED: None,
        Move.TRIAL_EXTENDED: Status.TRIALING,
        Move.PAYMENT_FAILED: Status.PAST_DUE,
        Move.REPLACED: Status.CANCELED,
        Move.GAVE_UP: Status.CANCELED,
        Move.LEFT_UNPAID: Status.UNPAID,
        Move.PAUSED: Status.PAUSED,
    },
    Status.PAST_DUE: {
        **_LIVE,
        Move.PAYMENT_FAILED_AGAIN: None,
        Move.PAYMENT_RECOVERED: Status.ACTIVE,
        Move.INVOICE_FORGIVEN: Status.ACTIVE,
        Move.GAVE_UP: Status.CANCELED,
        Move.LEFT_UNPAID: Status.UNPAID,
        Move.PAUSED: Status.PAUSED,
    },
    Status.UNPAID: {
        **_LIVE,
        Move.PAYMENT_FAILED_AGAIN: None,
        Move.PAYMENT_RECOVERED: Status.ACTIVE,
        Move.INVOICE_FORGIVEN: Status.ACTIVE,
        Move.GAVE_UP: Status.CANCELED,
    },
    Status.PAUSED: {
        **_LIVE,
        Move.RESUMED: Status.ACTIVE,
        Move.PAYMENT_FAILED: Status.PAST_DUE,
    },
    Status.CANCELED: {},
    Status.INCOMPLETE_EXPIRED: {},
}

MOVES: Mapping[Status, Mapping[Move, Status]] = MappingProxyType(
    {
        source: MappingProxyType({move: target or source for move, target in moves.items()})
        for source, moves in _TABLE.items()
    }
)
"""Where each move leads. A status without moves is over; a new subscription is a new life."""


def moves_to(source: Status, target: Status) -> list[Move]:
    """The moves that change ``source`` into ``target``, in the order of the table; empty when none fits."""
    return [move for move, leads_to in MOVES[source].items() if leads_to is target and leads_to is not source]


def mermaid() -> str:
    """The table as a Mermaid state diagram, one arrow for each pair of statuses; who stays is not drawn."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _arrows())])


def _arrows() -> Iterator[str]:
    for source, moves in MOVES.items():
        if not moves:
            yield f"{source} --> [*]"
        for target in dict.fromkeys(leads_to for leads_to in moves.values() if leads_to is not source):
            names = ", ".join(move.replace("_", " ") for move, leads_to in moves.items() if leads_to is target)
            yield f"{'[*]' if source is Status.NONE else source} --> {target}: {names}"
