"""The rules a subscription is sold under: patience, reminders, and what follows when money stays away or goes back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum


class OnDispute(StrEnum):
    """What happens when a customer's bank takes a payment back."""

    SUSPEND_AND_CANCEL = "suspend_and_cancel"
    """Access ends, open invoices are voided, the subscription is ended at once."""
    FLAG = "flag"
    """A person is told and decides."""


class AfterGrace(StrEnum):
    """What happens to a subscription that is still unpaid when grace is over; access ends either way."""

    CANCEL = "cancel"
    """The open invoice is voided and the subscription ended, whatever the Stripe account's own setting is."""
    UNPAID = "unpaid"
    """It stays, and nothing is charged any more until the open invoice is paid."""


@dataclass(frozen=True)
class Policy:
    """The rules a subscription started with; it keeps them until it is moved to others.

    Days are whole days of 86,400 seconds. Grace counts from the first failed charge, reminders back from the
    end of the trial; ``max_payment_attempts`` failed charges of one invoice end the patience before grace does.
    A subscription that was sold before there was ``on_dispute`` keeps what was done then: a person was told.
    """

    version: int
    grace_days: int
    max_payment_attempts: int
    trial_reminder_days: int
    short_trial_reminder_days: int
    on_dispute: OnDispute = OnDispute.FLAG
    after_grace: AfterGrace = AfterGrace.CANCEL

    def has_less_patience_than(self, other: "Policy") -> bool:
        """Whether a debt would be given up earlier than under the other rules."""
        return self.grace_days < other.grace_days or self.max_payment_attempts < other.max_payment_attempts


def changed_rules(before: Policy, after: Policy) -> dict[str, tuple[str, str]]:
    """What differs between two policies, the version among it: each by its name, before and after."""
    pairs = {field.name: (getattr(before, field.name), getattr(after, field.name)) for field in fields(Policy)}
    return {name: (str(was), str(now)) for name, (was, now) in pairs.items() if was != now}


RULES = frozenset(
    (
        "grace_days", "max_payment_attempts", "trial_reminder_days", "short_trial_reminder_days",
        "on_dispute", "after_grace",
    )
)  # fmt: skip


def read_policy(version: int, rules: Mapping[str, object]) -> Policy:
    """The rules of a ``[policy]`` table; raises `KeyError` or `ValueError` with the name that is missing or wrong."""
    unknown = sorted(rules.keys() - RULES)
    if unknown:
        raise ValueError(f"{unknown[0]}: there is no such rule; there are {', '.join(sorted(RULES))}")
    return Policy(
        version=version,
        grace_days=days(rules, "grace_days"),
        max_payment_attempts=_count(rules, "max_payment_attempts"),
        trial_reminder_days=days(rules, "trial_reminder_days"),
        short_trial_reminder_days=days(rules, "short_trial_reminder_days"),
        on_dispute=OnDispute(str(rules.get("on_dispute", OnDispute.SUSPEND_AND_CANCEL))),
        after_grace=AfterGrace(str(rules.get("after_grace", AfterGrace.CANCEL))),
    )


def days(table: Mapping[str, object], key: str) -> int:
    """A number of whole days; raises `ValueError`."""
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 730:
        raise ValueError(f"{key}: whole days from 0 to 730 are needed")
    return value


def _count(table: Mapping[str, object], key: str) -> int:
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{key}: a whole number from 1 is needed")
    return value
