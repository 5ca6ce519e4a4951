"""What can be subscribed to."""

from fastapi import APIRouter, Depends, Response

from api.auth import anybody
from api.contract import ANYBODY, problems
from api.parts import PartsIn
from api.views import PlansView

router = APIRouter(prefix="/billing/plans", tags=["Plans"])


@router.get(
    "",
    response_model=PlansView,
    dependencies=[Depends(anybody)],
    responses=problems(*ANYBODY),
    summary="List the plans",
)
async def list_plans(parts: PartsIn) -> Response:
    """Every plan with its prices, trial, features and limits, in the order to show them. Needs no session."""
    return Response(parts.plans_answer, media_type="application/json")
