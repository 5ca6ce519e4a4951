"""What the API shows of a subscription that was moved to other rules."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, Field


class RuleView(BaseModel):
    """One rule that changed, as the plans file writes it."""

    before: str = Field(examples=["14"])
    after: str = Field(examples=["7"])


class PolicyMoveView(BaseModel):
    """A subscription that is under the rules which its plan has today."""

    plan: str = Field(examples=["BASIC"])
    rules: dict[str, RuleView] = Field(
        description="Each rule that changed, and `version`, by its name in the plans file.",
        examples=[{"version": {"before": "2", "after": "3"}, "grace_days": {"before": "14", "after": "7"}}],
    )
    grace_ends_at: datetime | None = Field(
        description="While a payment is past due: until when access stays, never earlier than was promised before.",
        examples=["2026-12-28T09:30:00Z"],
    )
    moved_at: datetime = Field(examples=["2026-12-14T09:30:00Z"])


_BEFORE = "previous_"
_MOMENT = "grace_ends_at"


def view_policy_move(at: datetime, detail: Mapping[str, str]) -> PolicyMoveView:
    """From the line of the timeline that tells of it."""
    names = [name.removeprefix(_BEFORE) for name in detail if name.startswith(_BEFORE)]
    return PolicyMoveView(
        plan=detail["plan"],
        rules={name: RuleView(before=detail[_BEFORE + name], after=detail[name]) for name in names if name != _MOMENT},
        grace_ends_at=datetime.fromisoformat(detail[_MOMENT]) if _MOMENT in detail else None,
        moved_at=at,
    )
