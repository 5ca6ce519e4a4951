"""Who is in the project that a request is about; to everybody else there is no such project."""

from typing import Annotated

from fastapi import Depends, Path

from api.auth import EntitlementsIn
from api.parts import PartsIn
from api.problems import Problem
from database.membership import Membership

ProjectId = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$", description="Your own id of the project: an unguessable one."),
]


def no_such_project() -> Problem:
    """The same words whether it is not there or only not the caller's."""
    return Problem("not_found", "There is no such project of yours.")


async def membership_of(project_id: ProjectId, caller: EntitlementsIn, parts: PartsIn) -> Membership:
    """The caller's place in the project; anybody who has none gets 404."""
    membership = await parts.memberships.of(project_id, caller.user_id)
    if membership is None:
        raise no_such_project()
    return membership


MembershipIn = Annotated[Membership, Depends(membership_of)]
