"""The lines that a decision leaves in the timeline, and how the last of them read.

A line is cause, decision and effect: what brought it about, the rule's inputs in its detail, and what followed from it,
the letters and the change of access.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from activities.orders import Entry
from lifecycle.events import ACKNOWLEDGED, IMPORTED, NOT_OF_STRIPE, RECONCILED, EventHint
from lifecycle.intents import Outcome, Result
from lifecycle.notifications import NotificationDue
from lifecycle.reasons import reasons
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription

IMPORT, RECONCILIATION = "import", "reconciliation"
ADOPTIONS = {IMPORT: "imported", RECONCILIATION: "adopted"}
"""How it is told, by its cause, that a subscription was met in the middle of its life."""


def cause_of(hints: Sequence[EventHint]) -> tuple[str, str]:
    """Why a look is taken, and the id of that reason: the last hint's, unless an import or a person asked for it."""
    last = hints[-1]
    if any(hint.type == IMPORTED for hint in hints):
        return IMPORT, next(hint.id for hint in hints if hint.type == IMPORTED)
    if last.type == ACKNOWLEDGED:
        return "person", last.id
    from_stripe = [hint for hint in hints if hint.type not in NOT_OF_STRIPE]
    return ("event", from_stripe[-1].id) if from_stripe else (RECONCILIATION, last.id)


def begins_in_the_middle(cause: str, surprise: str | None) -> bool:
    """Whether to be silent about how a subscription that is new to us came to be where it stands.

    An import tells its customers nothing. A reconciliation meets what events should have told us of, so the customer
    is welcomed as ever; only where no move leads is it met in the middle.
    """
    return cause == IMPORT or (cause == RECONCILIATION and surprise is not None)


def moved(
    names: Iterable[str], before: Subscription, after: Subscription, at: datetime, cause: str, cause_id: str
) -> list[Entry]:
    """One line a move (or adoption): what happened, why, what it was about, and what it did to access."""
    return [
        Entry(name, at, cause, cause_id, before.status, after.status, reasons(name, before, after, at))
        for name in names
    ]


def reminded(subscription: Subscription, at: datetime) -> Entry:
    """The customer hears that the trial ends."""
    detail = reasons("trial_ending", subscription, subscription, at)
    return Entry("trial_ending", at, "timer", "trial_reminder", detail=detail)


def reminded_of_card(subscription: Subscription, at: datetime) -> Entry:
    """The customer hears that the card expires."""
    detail = reasons("card_expiring", subscription, subscription, at)
    return Entry("card_expiring", at, "timer", "card_reminder", detail=detail)


def asked_for(hints: Iterable[EventHint], at: datetime) -> list[Entry]:
    """The lines of those who asked for a look: operators, and reconciliations that found a difference."""
    lines = []
    for hint in hints:
        if hint.type == ACKNOWLEDGED:
            lines.append(Entry(ACKNOWLEDGED, at, "person", hint.id))
        elif hint.type == RECONCILED and hint.differs:
            lines.append(Entry(RECONCILED, at, RECONCILIATION, hint.id, detail={"differed": hint.differs}))
    return lines


def not_done(outcomes: dict[str, Outcome], at: datetime) -> list[Entry]:
    """An intent that was declined, refused or waits for the customer leaves its line too."""
    return [
        Entry(f"intent_{outcome.result}", at, "intent", operation_id, detail={"code": outcome.code or ""})
        for operation_id, outcome in outcomes.items()
        if outcome.result is not Result.DONE
    ]


def in_order(lines: Iterable[Entry]) -> list[Entry]:
    """Lines of one save, none dated before the one above it.

    What was noted on the way is told after what came of it.
    """
    ordered: list[Entry] = []
    for line in lines:
        ordered.append(replace(line, at=max(line.at, ordered[-1].at)) if ordered else line)
    return ordered


def with_letters(lines: Sequence[Entry], letters: Sequence[NotificationDue]) -> list[Entry]:
    """The first line names the letters that the decision wrote."""
    if not lines or not letters:
        return list(lines)
    kinds = ", ".join(letter.kind for letter in letters)
    return [replace(lines[0], detail={**lines[0].detail, "letters": kinds}), *lines[1:]]


def completed(outcome: Outcome, subscription: Subscription) -> Outcome:
    """The answer to an intent, with where the subscription now stands."""
    result, code, detail = outcome.result, outcome.code, outcome.detail
    if result is Result.DONE and code is None and subscription.status is Status.INCOMPLETE:
        result, code = Result.ACTION_REQUIRED, "authentication_required"
        detail = "The bank wants the customer to confirm this payment."
    return Outcome(result, code, detail, subscription.status, subscription.cancel_at)


def told(entry: Entry) -> str:
    """A line as an operator reads it."""
    return f"{entry.at:%Y-%m-%d %H:%M} {entry.entry.replace('_', ' ')}, by {entry.cause}"
