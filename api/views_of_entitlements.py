"""What a plan grants now, as the API shows it."""

from pydantic import BaseModel, Field

from api.notices import NoticeView
from api.views import AccessView, view_access
from lifecycle.entitlements import Entitlements
from lifecycle.grants import Limit
from lifecycle.statuses import Status

LIMITS = "How many there may be, or `unlimited`, by every name that some plan knows; without access all are 0."


class GrantedView(BaseModel):
    """What is granted at this moment."""

    plan: str | None = Field(description="Null: never subscribed.", examples=["BASIC"])
    access: AccessView
    features: list[str] = Field(description="By name; none without access.", examples=[["email_support"]])
    limits: dict[str, Limit] = Field(description=LIMITS, examples=[{"projects": 3, "seats": 1, "tasks": 100}])


class EntitlementsView(GrantedView):
    """What the caller may do in the product now, and what to tell them."""

    status: Status = Field(description="`none`: never subscribed, and entitled to nothing.", examples=["active"])
    notice: NoticeView | None = Field(description="What to show in the app now, the most urgent thing; null: nothing.")


def view_entitlements(entitlements: Entitlements, notice: NoticeView | None) -> EntitlementsView:
    """For the subscriber alone: a notice leads to the subscriber's own invoice."""
    return EntitlementsView(
        status=entitlements.status,
        plan=entitlements.plan,
        access=view_access(entitlements.access),
        features=list(entitlements.features),
        limits=dict(entitlements.limits),
        notice=notice,
    )
