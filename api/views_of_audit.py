"""The audit as administrators read it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping


class ActView(BaseModel):
    """One privileged act."""

    id: int = Field(examples=[7])
    at: datetime = Field(examples=["2026-12-14T09:30:00Z"])
    actor: str = Field(
        description="A user's id, an API key's, or `cli:` and an operator.", examples=["kX3vY9", "cli:operator-7"]
    )
    act: str = Field(examples=["refund"])
    subject: str | None = Field(description="The user whom it is about.", examples=["aB1cD2"])
    reason: str | None = Field(description="As the actor gave it.", examples=["ticket 1234"])
    detail: dict[str, str] = Field(examples=[{"invoice": "in_1Q2w3E4r", "amount": "400"}])
    operation_id: UUID | None = Field(examples=["0b8f4f0e-6c1e-4a38-9f0a-2d8f6c1e7b55"])
    request_id: str | None = Field(examples=["7f3d1c1e"])


class AuditView(BaseModel):
    """A page of the audit."""

    acts: list[ActView]
    next_cursor: int | None = Field(description="For the next page; null: this was the last.", examples=[None])


def view_act(row: RowMapping) -> ActView:
    """A row as it is."""
    return ActView(**{name: row[name] for name in ActView.model_fields})
