"""What a customer is entitled to now: pure answers from the subscription, its plan and the customer's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lifecycle.access import Access, AccessReason, Standing, access_at
from lifecycle.grants import UNLIMITED, Limit
from lifecycle.plans import Catalogue, UnknownPlan
from lifecycle.statuses import Status


class Denial(StrEnum):
    """Why something is refused to a customer who has access; stable names for programs."""

    NOT_IN_PLAN = "not_in_plan"
    LIMIT_REACHED = "limit_reached"


@dataclass(frozen=True)
class Entitlements:
    """What a subscription grants at one moment. Without access there are no features, and every limit is 0.

    ``limits`` has every name that the catalogue knows, so that nobody has to guess what a missing one means.
    """

    status: Status
    plan: str | None
    access: Access
    features: tuple[str, ...] = ()
    limits: Mapping[str, Limit] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether something is allowed.

    ``reason`` is what that rests on: the access, or why not. ``until`` is when a yes ends by itself, if that is known.
    A feature has no ``limit``; ``used`` and ``remaining`` are None where nobody knows how much is used.
    """

    allowed: bool
    reason: AccessReason | Denial
    until: datetime | None = None
    limit: Limit | None = None
    used: int | None = None
    remaining: Limit | None = None


def entitlements_at(
    catalogue: Catalogue, plan: str | None, seats: int, standing: Standing, now: datetime
) -> Entitlements:
    """What a plan with so many seats grants at ``now`` on the customer's own clock.

    An ended trial or grace grants nothing, also when no webhook has told us yet. A plan that is no longer in the file
    leaves access as it is and grants nothing else.
    """
    access = access_at(standing, now)
    nothing: dict[str, Limit] = dict.fromkeys(catalogue.limit_names, 0)
    try:
        sold = catalogue.plan(plan) if plan and access.granted else None
    except UnknownPlan:
        sold = None
    if sold is None:
        return Entitlements(standing.status, plan, access, limits=nothing)
    limits = {name: sold.grants.limit(name, seats) for name in nothing}
    return Entitlements(standing.status, plan, access, sold.grants.features, limits)


def may_use(entitlements: Entitlements, feature: str) -> Verdict:
    """Whether a feature is there."""
    access = entitlements.access
    if not access.granted:
        return Verdict(allowed=False, reason=access.reason)
    if feature not in entitlements.features:
        return Verdict(allowed=False, reason=Denial.NOT_IN_PLAN)
    return Verdict(allowed=True, reason=access.reason, until=access.until)


def has_room(entitlements: Entitlements, name: str, quantity: int, used: int | None) -> Verdict:
    """Whether ``quantity`` more fit beside those ``used`` already; 0 more fit whenever there is access.

    With ``used`` None, nobody counted: then ``quantity`` is all there would be.
    """
    access, limit = entitlements.access, entitlements.limits.get(name, 0)
    if not access.granted:
        return Verdict(allowed=False, reason=access.reason, limit=0, used=used, remaining=0)
    if limit == UNLIMITED:
        left: Limit | None = None if used is None else UNLIMITED
        return Verdict(True, access.reason, access.until, limit, used, left)
    room = max(0, limit - (used or 0))
    left = None if used is None else room
    if quantity == 0 or quantity <= room:
        return Verdict(True, access.reason, access.until, limit, used, left)
    reason = Denial.LIMIT_REACHED if limit else Denial.NOT_IN_PLAN
    return Verdict(allowed=False, reason=reason, limit=limit, used=used, remaining=left)
