"""What a plan grants now, as the API shows it."""

from datetime import datetime

from pydantic import BaseModel, Field

from api.notices import NoticeView
from api.views import AccessView, view_access
from lifecycle.access import AccessReason
from lifecycle.entitlements import Denial, Entitlements, Verdict
from lifecycle.grants import Limit
from lifecycle.projects import Role
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


class ProjectEntitlementsView(GrantedView):
    """What a project's members may do on the plan of its owner; nothing about the owner."""

    project_id: str = Field(examples=["prj_7Hk2"])
    role: Role = Field(description="The caller's own role.", examples=["member"])


class VerdictView(BaseModel):
    """Whether it is allowed."""

    allowed: bool = Field(examples=[True])
    reason: AccessReason | Denial = Field(
        description="What that rests on: the access, or `not_in_plan` or `limit_reached`.", examples=["paid"]
    )
    until: datetime | None = Field(description="When a yes ends by itself.", examples=["2026-12-14T09:30:00Z"])
    limit: Limit | None = Field(description="How many there may be; null: a feature.", examples=[3])
    used: int | None = Field(description="How many there are; null: nobody said.", examples=[2])
    remaining: Limit | None = Field(description="How many more fit; null: `used` is.", examples=[1])


def view_project_entitlements(project_id: str, role: Role, entitlements: Entitlements) -> ProjectEntitlementsView:
    """For everybody in the project: neither the owner's id, nor an invoice of theirs, nor a notice."""
    return ProjectEntitlementsView(
        project_id=project_id,
        role=role,
        plan=entitlements.plan,
        access=view_access(entitlements.access),
        features=list(entitlements.features),
        limits=dict(entitlements.limits),
    )


def view_verdict(verdict: Verdict) -> VerdictView:
    """An answer to one question."""
    return VerdictView(**{name: getattr(verdict, name) for name in VerdictView.model_fields})
