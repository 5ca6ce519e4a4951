"""What can be subscribed to."""

from fastapi import APIRouter, Depends

from api.auth import anybody
from api.contract import ANYBODY, problems
from api.parts import PartsIn
from api.views import PlansView, view_plans

router = APIRouter(prefix="/billing/plans", tags=["Plans"])


@router.get("", dependencies=[Depends(anybody)], responses=problems(*ANYBODY), summary="List the plans")
async def list_plans(parts: PartsIn) -> PlansView:
    """Every plan with its prices, trial and features, in the order to show them. Needs no session."""
    return view_plans(parts.catalogue)
