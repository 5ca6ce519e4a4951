"""What a project's members may do: the plan, the access and the clock are the owner's."""

from fastapi import APIRouter, Depends

from api.bodies import CheckBody
from api.contract import OF_A_CALLER, READS, WITH_BODY, problems
from api.in_projects import MembershipIn
from api.media import json_only
from api.parts import Parts, PartsIn
from api.problems import Problem
from api.views_of_entitlements import (
    ProjectEntitlementsView,
    VerdictView,
    view_project_entitlements,
    view_verdict,
)
from database.projects import count_projects, count_seats
from database.reading import entitled_by, read_subscription
from lifecycle.entitlements import Entitlements, has_room, may_use
from lifecycle.grants import PROJECTS, SEATS

router = APIRouter(prefix="/billing/projects/{project_id}", tags=["Projects"])

SECURED = {"security": OF_A_CALLER}
_COUNTS = {PROJECTS: count_projects, SEATS: count_seats}


@router.get(
    "/entitlements",
    openapi_extra=SECURED,
    responses=problems(*READS, "not_found", "invalid_request"),
    summary="Ask what a project's members may do",
)
async def read_of_project(membership: MembershipIn, parts: PartsIn) -> ProjectEntitlementsView:
    """What the owner's plan grants at this moment of the owner's clock; nothing else about the owner."""
    entitlements = await entitled(parts, membership.owner_id)
    return view_project_entitlements(membership.project_id, membership.role, entitlements)


@router.post(
    "/check",
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=problems(*READS, *WITH_BODY, "not_found", "invalid_request", "unknown_entitlement"),
    summary="Ask whether one more fits",
)
async def check(body: CheckBody, membership: MembershipIn, parts: PartsIn) -> VerdictView:
    """Whether a feature is there, or whether one more project, task or seat fits into the owner's plan now.

    Projects and seats are counted here, over all of the owner's projects, where members are kept here; what else there
    is your app counts and tells in `used`. Nothing is reserved: ask again when you write."""
    catalogue = parts.catalogue
    if body.feature not in (*catalogue.limit_names, *catalogue.feature_names):
        reason = f"no plan knows {body.feature}"
        raise Problem("unknown_entitlement", f"{reason}.", errors=[{"field": "feature", "reason": reason}])
    entitlements = await entitled(parts, membership.owner_id)
    if body.feature in catalogue.feature_names:
        return view_verdict(may_use(entitlements, body.feature))
    used = await _used(parts, membership.owner_id, body)
    return view_verdict(has_room(entitlements, body.feature, body.quantity, used))


async def entitled(parts: Parts, owner_id: str) -> Entitlements:
    """What the owner's subscription grants now."""
    row = await read_subscription(parts.engine, owner_id)
    return entitled_by(row, parts.catalogue, parts.customer_now(row["clock_offset_seconds"] if row else 0))


async def _used(parts: Parts, owner_id: str, body: CheckBody) -> int | None:
    """Counted where we hold it, told by the app where we do not."""
    count = _COUNTS.get(body.feature)
    if count is None or not parts.memberships.is_kept_here:
        return body.used
    if body.used is not None:
        reason = f"{body.feature} are counted here"
        raise Problem("invalid_request", f"used: {reason}", errors=[{"field": "used", "reason": reason}])
    return await count(parts.engine, owner_id)
