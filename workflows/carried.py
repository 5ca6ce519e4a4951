"""What one run of a workflow hands to the next, and the clock it lives by."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio import workflow

from lifecycle.events import EventHint
from lifecycle.intents import Outcome, Request
from lifecycle.subscription import Subscription

OUTCOMES_KEPT = 50
"""How many answers a run remembers, so that a command sent twice is carried out once; PostgreSQL keeps them all."""
STEPS_SHOWN = 8


@dataclass(frozen=True)
class Carried:
    """All that a life needs to go on. ``has_begun`` False: the first run of a life, nothing is known yet.

    ``now`` is the customer's own time, for the few who travel in time; None: the wall clock's.
    """

    subscription: Subscription
    has_begun: bool = False
    history_limit: int = 100
    requests: list[Request] = field(default_factory=list)
    hints: list[EventHint] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    now: datetime | None = None


def first_of_life(user_id: str) -> Carried:
    """What a workflow is started with."""
    return Carried(Subscription(user_id=user_id))


class Clock:
    """The customer's time: the workflow's own, moved ahead for a customer who travels in time."""

    def __init__(self, now: datetime | None) -> None:
        self._ahead = timedelta(0)
        self.travels = False
        self.set(now)

    def set(self, now: datetime | None) -> None:
        """Begin at the customer's time; None leaves it at the workflow's."""
        if now is not None:
            self.travels = True
            self._ahead = max(now - workflow.now(), timedelta(0))

    def now(self) -> datetime:
        """The moment it is for this customer."""
        return workflow.now() + self._ahead
