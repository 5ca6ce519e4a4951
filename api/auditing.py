"""Privileged acts as the API writes them down, and the audit as administrators read it."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import AdministratorIn
from api.callers import Caller
from api.contract import OF_A_CALLER, READS, problems
from api.parts import PartsIn
from api.views_of_audit import AuditView, view_act
from database.audit import NEWEST, Act, read_audit, write_act_first

router = APIRouter(prefix="/billing/admin", tags=["Administration"])

LONGEST_PAGE = 100


def operators_act(operator: Caller, name: str, subject: str | None, reason: str | None = None, **detail: object) -> Act:
    """What an administrator or supporter does; of ``detail`` only what is known is kept."""
    kept = {key: str(value) for key, value in detail.items() if value is not None}
    return Act(operator.user_id, name, subject, reason, kept)


def act_for(caller: Caller, user_id: str, kind: str) -> Act | None:
    """A write in a user's name by somebody else; None: it is the user's own.

    That is an administrator who has taken the user's session over, or a server with an API key.
    https://www.better-auth.com/docs/plugins/admin#impersonate-user
    """
    if caller.impersonated_by is not None:
        return Act(caller.impersonated_by, kind, user_id, detail={"as": "impersonator"})
    return Act(f"api_key:{caller.api_key}", kind, user_id, detail={"as": "api_key"}) if caller.api_key else None


@router.get(
    "/audit",
    openapi_extra={"security": OF_A_CALLER},
    responses=problems(*READS, "session_required", "invalid_request"),
    summary="Read who did what with other people's subscriptions",
)
async def read_acts(
    administrator: AdministratorIn,
    parts: PartsIn,
    subject: Annotated[
        str | None, Query(pattern=r"^[\x21-\x7e]{1,255}$", description="The user whom acts are about.")
    ] = None,
    actor: Annotated[
        str | None,
        Query(pattern=r"^[\x21-\x7e]{1,255}$", description="A user's id, an API key's, or `cli:` and an operator."),
    ] = None,
    cursor: Annotated[int, Query(ge=1, le=NEWEST, description="`next_cursor` of the page before.")] = NEWEST,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = 50,
) -> AuditView:
    """The newest first. Reading is an act, too: it is in the next answer."""
    rows = await read_audit(parts.engine, subject=subject, actor=actor, before=cursor, limit=limit + 1)
    await write_act_first(parts.engine, operators_act(administrator, "read_audit", subject, actor=actor))
    more = rows[limit - 1]["id"] if len(rows) > limit else None
    return AuditView(acts=[view_act(row) for row in rows[:limit]], next_cursor=more)
