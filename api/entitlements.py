"""What the caller may do in the product, decided by the subscription and the caller's own clock."""

from fastapi import APIRouter

from api.auth import EntitlementsIn
from api.contract import OF_A_CALLER, READS, problems
from api.notices import view_notice
from api.parts import PartsIn
from api.views_of_entitlements import EntitlementsView, view_entitlements
from database.reading import entitled_by

router = APIRouter(prefix="/billing/entitlements", tags=["Entitlements"])


@router.get(
    "", openapi_extra={"security": OF_A_CALLER}, responses=problems(*READS), summary="Ask what the caller may do"
)
async def read_mine(caller: EntitlementsIn, parts: PartsIn) -> EntitlementsView:
    """Access and until when, features, limits, and the one thing to tell. Who never subscribed has `status` `none` and
    nothing else; a free plan is subscribed to like any other."""
    row = await parts.cache.subscription(parts.engine, caller.user_id)
    now = parts.customer_now(row["clock_offset_seconds"] if row else 0)
    notice = view_notice(row, now) if row and row["status"] else None
    return view_entitlements(entitled_by(row, parts.catalogue, now), notice)
