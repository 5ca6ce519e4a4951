"""The lines that a decision leaves in the timeline, and how the last of them read."""

from collections.abc import Iterable
from datetime import datetime

from activities.orders import Entry
from lifecycle.intents import Outcome, Result
from lifecycle.moves import Move
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription


def moved(
    moves: Iterable[Move], before: Subscription, after: Subscription, at: datetime, cause: str, cause_id: str
) -> list[Entry]:
    """One line a move: what happened, why, and what it was about."""
    about = {
        "subscription": after.stripe_subscription_id,
        "invoice": after.invoice.id if after.invoice else None,
        "plan": f"{after.terms.plan} per {after.terms.interval}" if after.terms else None,
    }
    detail = {name: value for name, value in about.items() if value}
    return [Entry(move, at, cause, cause_id, before.status, after.status, detail) for move in moves]


def not_done(outcomes: dict[str, Outcome], at: datetime) -> list[Entry]:
    """An intent that was declined, refused or waits for the customer leaves its line too."""
    return [
        Entry(f"intent_{outcome.result}", at, "intent", operation_id, detail={"code": outcome.code or ""})
        for operation_id, outcome in outcomes.items()
        if outcome.result is not Result.DONE
    ]


def completed(outcome: Outcome, subscription: Subscription) -> Outcome:
    """The answer to an intent, with where the subscription now stands."""
    result, code, detail = outcome.result, outcome.code, outcome.detail
    if result is Result.DONE and subscription.status is Status.INCOMPLETE:
        result, code = Result.ACTION_REQUIRED, "authentication_required"
        detail = "The bank wants the customer to confirm this payment."
    return Outcome(result, code, detail, subscription.status, subscription.cancel_at)


def told(entry: Entry) -> str:
    """A line as an operator reads it."""
    return f"{entry.at:%Y-%m-%d %H:%M} {entry.entry.replace('_', ' ')}, by {entry.cause}"
