"""Faults on purpose: rules that say which calls and which deliveries of webhooks go wrong, and how.

A rule names a fault, whom it strikes and how often. Its dice are its own and seeded, so the same rules and the same
sequence of calls bring the same faults again. Rules live in memory: a restart of the local Stripe ends them.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Self

from .protocol.errors import invalid, missing

Object = dict[str, Any]

CALLS = {
    "slow": "answers after `milliseconds`; the idempotency key is busy meanwhile",
    "rate_limit": "429 with Retry-After, before the endpoint begins",
    "lock_timeout": "429 with the code lock_timeout, before the endpoint begins",
    "conflict": "409 as for a key that another request is using, before the endpoint begins",
    "unavailable": "503, before the endpoint begins",
    "hang": "no answer for an hour, and no effect",
    "reset_before": "the connection is closed before the endpoint begins",
    "error_before": "500 without an effect, kept for the idempotency key",
    "error_after": "500 although the effect stands, kept for the idempotency key",
    "reset_after": "the effect stands, and the connection is closed without an answer",
}
WEBHOOKS = {
    "double": "delivered twice",
    "reorder": "steps aside for up to half a second, so that later events overtake it",
    "delay": "delivered after `milliseconds`",
    "drop": "never delivered; the event stays in the log as not delivered",
    "bad_signature": "signed with another secret",
    "stale": "signed ten minutes ago, beyond the tolerance of Stripe's libraries",
    "other_version": "its `api_version` is an older one",
}
KINDS = CALLS | WEBHOOKS
SELECTORS = {
    "method": CALLS,
    "path": CALLS,
    "api_key": CALLS,
    "idempotency_key": CALLS,
    "event": WEBHOOKS,
    "endpoint": WEBHOOKS,
}


@dataclass
class Rule:
    """One fault; the selectors that are given must all fit, each by the beginning of its text."""

    id: str
    fault: str
    method: str | None = None
    path: str | None = None
    api_key: str | None = None
    idempotency_key: str | None = None
    event: str | None = None
    endpoint: str | None = None
    count: int | None = None
    """How often it still strikes; None is without end."""
    until: float | None = None
    """Seconds since the epoch, by the real clock."""
    probability: float = 1.0
    seed: int = 0
    milliseconds: int = 1000
    retry_after: int = 1
    """Seconds, for ``rate_limit``."""
    hits: int = 0
    dice: random.Random = field(default_factory=random.Random, repr=False)

    @classmethod
    def of(cls, id: str, given: Object) -> Self:
        """From the control API's JSON, or Stripe's kind of refusal."""
        told = dict(given)
        seconds = told.pop("seconds", None)
        kind = told.get("fault")
        if kind not in KINDS:
            raise invalid(f"Invalid fault: must be one of {', '.join(KINDS)}", "fault")
        for name, value in told.items():
            _refuse_unless_right(kind, name, value)
        rule = cls(id, **{name: value for name, value in told.items() if value is not None})
        rule.until = time.time() + float(seconds) if seconds is not None else None
        # Rules with one seed must not strike in step, so the fault is part of it.
        rule.dice = random.Random(f"{rule.seed}:{kind}")
        return rule

    @property
    def is_over(self) -> bool:
        return (self.count is not None and self.count <= 0) or (self.until is not None and time.time() > self.until)

    def strikes(self, subject: dict[str, str]) -> bool:
        """Does it strike this one? Counts it, and throws the dice only when all else fits."""
        wanted = [(getattr(self, name), name) for name in SELECTORS]
        if self.is_over or not all(subject.get(name, "").startswith(begin) for begin, name in wanted if begin):
            return False
        if self.probability < 1 and self.dice.random() >= self.probability:
            return False
        self.hits += 1
        if self.count is not None:
            self.count -= 1
        return True

    def as_json(self) -> Object:
        shown = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "dice"}
        return {**shown, "over": self.is_over, "meaning": KINDS[self.fault]}


class Faults:
    """The rules in force, in the order in which they were made."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self.made = 0

    def add(self, given: Object, id: str | None = None) -> Rule:
        """A rule more; those that are over leave. With an ``id`` it takes the place of the one that had it."""
        self.made += 1
        rule = Rule.of(id or f"fault_{self.made}", given)
        self.rules = {name: one for name, one in self.rules.items() if not one.is_over and name != rule.id}
        self.rules[rule.id] = rule
        return rule

    def remove(self, id: str) -> None:
        if self.rules.pop(id, None) is None:
            raise missing("fault", id)

    def clear(self) -> None:
        self.rules.clear()

    def striking(self, kinds: tuple[str, ...], subject: dict[str, str]) -> Iterator[Rule]:
        """Each rule of these kinds that strikes; the others are not asked, so their dice rest."""
        for rule in list(self.rules.values()):
            if rule.fault in kinds and rule.strikes(subject):
                yield rule


NUMBERS: dict[str, tuple[type, ...]] = {
    "count": (int,),
    "probability": (int, float),
    "seed": (int,),
    "milliseconds": (int,),
    "retry_after": (int,),
}


def _refuse_unless_right(kind: str, name: str, value: Any) -> None:
    if name == "fault":
        return
    if name not in SELECTORS and name not in NUMBERS:
        raise invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")
    if value is None:
        return
    if name in SELECTORS and kind not in SELECTORS[name]:
        raise invalid(f"`{name}` does not select what `{kind}` strikes.", name)
    expected: tuple[type, ...] = NUMBERS.get(name, (str,))
    wrong = not isinstance(value, expected) or isinstance(value, bool)
    if wrong or (isinstance(value, int | float) and value < 0):
        raise invalid(f"Invalid {name}: {value!r}", name)
