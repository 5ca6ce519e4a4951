"""The rules a subscription is sold under: patience, reminders, and what follows when money stays away or goes back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


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


class RefundOnCancel(StrEnum):
    """What a customer gets back who cancels at once while the period is paid."""

    NONE = "none"
    PRORATED = "prorated"
    """Of what was paid for the period and not given back yet, the share of the seconds that are left."""
    FULL = "full"
    """All that was paid for the period and not given back yet."""


@dataclass(frozen=True)
class Policy:
    """The rules a subscription started with; it keeps them until it is moved to others.

    Days are whole days of 86,400 seconds. Grace counts from the first failed charge, reminders back from the
    end of the trial, or from the charge that an expired card would miss; ``max_payment_attempts`` failed charges of
    one invoice, of those that Stripe tries by itself, end the patience before grace does.
    A subscription that was sold before there was ``on_dispute`` keeps what was done then: a person was told.
    """

    version: int
    grace_days: int
    max_payment_attempts: int
    trial_reminder_days: int
    short_trial_reminder_days: int
    on_dispute: OnDispute = OnDispute.FLAG
    after_grace: AfterGrace = AfterGrace.CANCEL
    refund_on_cancel: RefundOnCancel = RefundOnCancel.NONE
    card_reminder_days: int = 7
    abandoned_checkout_reminder: bool = False

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
        "on_dispute", "after_grace", "refund_on_cancel", "card_reminder_days",
        "abandoned_checkout_reminder",
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
        refund_on_cancel=RefundOnCancel(str(rules.get("refund_on_cancel", RefundOnCancel.NONE))),
        card_reminder_days=days({"card_reminder_days": Policy.card_reminder_days} | dict(rules), "card_reminder_days"),
        abandoned_checkout_reminder=_yes_or_no(rules, "abandoned_checkout_reminder"),
    )


def policy_as_kept(policy: Policy) -> dict[str, Any]:
    """The version and the rules as the projection keeps them, about 200 bytes of a row."""
    return asdict(policy)


def policy_from(kept: Mapping[str, Any] | None) -> Policy | None:
    """The rules that the projection keeps; one that it does not know is what it was before there was that rule.

    None: sold before rules were kept in rows, and not saved since.
    """
    if kept is None:
        return None
    known = {field.name: kept[field.name] for field in fields(Policy) if field.name in kept}
    for name, kind in (("on_dispute", OnDispute), ("after_grace", AfterGrace), ("refund_on_cancel", RefundOnCancel)):
        if name in known:
            known[name] = kind(known[name])
    return Policy(**known)


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


def _yes_or_no(table: Mapping[str, object], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"{key}: true or false is needed")
    return value
