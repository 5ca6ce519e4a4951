"""Projects and their members, as the API shows them."""

from datetime import datetime

from pydantic import BaseModel, Field

from lifecycle.projects import Role


class ProjectView(BaseModel):
    """A project of the caller's."""

    project_id: str = Field(examples=["prj_7Hk2"])
    role: Role = Field(description="The caller's own role.", examples=["owner"])
    created_at: datetime = Field(examples=["2026-12-14T09:30:00Z"])


class MemberView(BaseModel):
    """A person's place in a project."""

    project_id: str = Field(examples=["prj_7Hk2"])
    user_id: str = Field(examples=["kX3vY9"])
    role: Role = Field(examples=["member"])
    added_at: datetime = Field(examples=["2026-12-14T09:30:00Z"])
