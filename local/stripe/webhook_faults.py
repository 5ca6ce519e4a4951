"""Webhooks that come twice, late, out of order, badly signed or never: what the rules of :mod:`.faults` do to one."""

from typing import NamedTuple

from .faults import WEBHOOKS, Faults

STALE_SECONDS = 600
"""Twice the tolerance of Stripe's libraries (https://docs.stripe.com/webhooks#replay-attacks)."""
OTHER_VERSION = "2024-06-20"


class Disturbance(NamedTuple):
    """What happens to one delivery on its first way; a retry goes undisturbed."""

    copies: int = 1
    """0 is never, although the event stays in the log."""
    delay: float = 0.0
    """Seconds to step aside."""
    badly_signed: bool = False
    age: int = 0
    """Seconds by which its signature is old."""
    version: str | None = None
    names: tuple[str, ...] = ()
    """The faults that struck."""


CALM = Disturbance()


def disturbance(faults: Faults, event: str, endpoint: str) -> Disturbance:
    """``event`` is its type. A dropped delivery is disturbed by nothing else."""
    if not faults.rules:
        return CALM
    subject = {"event": event, "endpoint": endpoint}
    if next(faults.striking(("drop",), subject), None):
        return Disturbance(copies=0, names=("drop",))
    struck = {rule.fault: rule for rule in faults.striking(tuple(WEBHOOKS.keys() - {"drop"}), subject)}
    delay = struck["delay"].milliseconds / 1000 if "delay" in struck else 0.0
    if "reorder" in struck:
        delay += struck["reorder"].dice.uniform(0.05, 0.5)
    return Disturbance(
        copies=2 if "double" in struck else 1,
        delay=delay,
        badly_signed="bad_signature" in struck,
        age=STALE_SECONDS if "stale" in struck else 0,
        version=OTHER_VERSION if "other_version" in struck else None,
        names=tuple(struck),
    )
