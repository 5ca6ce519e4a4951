"""One line of the ledger: what is kept of a Stripe event, and whom it is about.

The payload is not kept: an event is a hint that something changed, and it carries personal data.
https://docs.stripe.com/api/events/object
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lifecycle.events import is_worth_waking

_LONGEST = 255
_LAST_MOMENT = 253_402_300_799  # 9999-12-31T23:59:59Z, the last that a datetime can say


class MalformedEvent(ValueError):
    """Not an event of Stripe's; the message names the place and never repeats what was sent."""


@dataclass(frozen=True)
class Entry:
    """An event as the ledger keeps it. The ids of its owner are hints; ``wakes`` says whether anybody must act."""

    id: str
    type: str
    created_at: datetime
    api_version: str | None
    livemode: bool
    object_id: str | None
    stripe_customer_id: str | None
    stripe_subscription_id: str | None
    user_id: str | None
    wakes: bool


def read_entry(event: object) -> Entry:
    """Take from a Stripe event what the ledger keeps; raises `MalformedEvent` for anything else."""
    envelope = _mapping(event)
    thing = _mapping(_mapping(envelope.get("data")).get("object"))
    if envelope.get("object") != "event" or not thing:
        raise MalformedEvent("the body is not an event with data.object")
    details = _mapping(_mapping(thing.get("parent")).get("subscription_details"))
    return Entry(
        id=_required(envelope, "id"),
        type=_required(envelope, "type"),
        created_at=_moment(envelope.get("created")),
        api_version=_identifier(envelope.get("api_version")),
        livemode=envelope.get("livemode") is True,
        object_id=_identifier(thing.get("id")),
        stripe_customer_id=_customer(envelope, thing),
        stripe_subscription_id=_subscription(thing, details),
        user_id=_identifier(_mapping(thing.get("metadata")).get("user_id"))
        or _identifier(_mapping(details.get("metadata")).get("user_id")),
        wakes=_wakes(envelope),
    )


def _customer(envelope: Mapping[str, Any], thing: Mapping[str, Any]) -> str | None:
    """The customer of the object; a detached payment method only says whose it was."""
    if thing.get("object") == "customer":
        return _identifier(thing.get("id"))
    previous = _mapping(_mapping(envelope.get("data")).get("previous_attributes"))
    return _reference(thing.get("customer")) or _reference(previous.get("customer"))


def _subscription(thing: Mapping[str, Any], details: Mapping[str, Any]) -> str | None:
    if thing.get("object") == "subscription":
        return _identifier(thing.get("id"))
    return _reference(details.get("subscription")) or _reference(thing.get("subscription"))


def _wakes(envelope: Mapping[str, Any]) -> bool:
    """A shape that the rule cannot read is looked at rather than passed over."""
    try:
        return is_worth_waking(envelope)
    except (KeyError, TypeError, ValueError, AttributeError):
        return True


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _reference(value: object) -> str | None:
    """The id of a field that Stripe may have expanded into the object itself."""
    return _identifier(value.get("id") if isinstance(value, Mapping) else value)


def _identifier(value: object) -> str | None:
    """A text that PostgreSQL can keep: not empty, bounded, printable."""
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable() else None


def _required(envelope: Mapping[str, Any], name: str) -> str:
    value = _identifier(envelope.get(name))
    if value is None:
        raise MalformedEvent(f"the event's {name} is missing or not a short text")
    return value


def _moment(value: object) -> datetime:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LAST_MOMENT:
        raise MalformedEvent("the event's created is not a moment in Unix seconds")
    return datetime.fromtimestamp(value, UTC)
