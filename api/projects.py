"""Projects and their members, where they are kept here: as many as the owner's plan has room for."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Request, Response

from api.asking import describe_write
from api.auth import CallerIn
from api.bodies import IdempotencyKey, MemberBody
from api.contract import OF_A_CALLER, READS, WITH_BODY, Responses, answers_with, problems
from api.in_projects import ProjectId, membership_of, no_such_project
from api.media import json_only
from api.once import NO_CONTENT, Answer, once
from api.parts import Parts, PartsIn
from api.problems import Problem
from api.views_of_projects import MemberView, ProjectView
from database.projects import OwnersProjects, projects_of
from database.reading import entitled_by
from lifecycle.entitlements import has_room
from lifecycle.grants import PROJECTS, SEATS
from lifecycle.projects import Role

log = structlog.get_logger(__name__)


async def kept_here(_: CallerIn, parts: PartsIn) -> None:
    """Where members are kept elsewhere, they are changed there; whoever is not signed in is told that first."""
    if not parts.memberships.is_kept_here:
        raise Problem("kept_elsewhere", "Who is in a project is kept by your app; change it there.")


router = APIRouter(prefix="/billing/projects/{project_id}", tags=["Projects"], dependencies=[Depends(kept_here)])

SECURED = {"security": OF_A_CALLER}
CHANGES = (*READS, "invalid_request", "idempotency_key_reused", "forbidden", "not_found", "kept_elsewhere")
CREATED: Responses = {201: answers_with("Created", ProjectView)}
ADDED: Responses = {201: answers_with("Added", MemberView)}
UserId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,255}$", description="The person's user id in Better-Auth.")]


@router.put(
    "",
    response_model=ProjectView,
    openapi_extra=SECURED,
    responses=CREATED | problems(*CHANGES, "limit_reached"),
    summary="Create a project",
)
async def create(
    request: Request, project_id: ProjectId, caller: CallerIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> Response:
    """Make the caller the owner of a project, if the caller's plan has room for one more; the caller's already, it
    stays as it is."""
    write = describe_write(request, caller.user_id, "create_project", idempotency_key, {})

    async def change() -> Answer:
        place = await parts.memberships.of(project_id, caller.user_id)
        if place is not None and place.role is not Role.OWNER:
            raise Problem("forbidden", "Somebody else owns this project.")
        async with projects_of(parts.engine, caller.user_id) as own:
            known = await own.place(project_id, caller.user_id)
            if known is None:
                await _make_room(parts, own, PROJECTS, 1, await own.count())
            begun = known[1] if known else await own.begin(project_id)
            if begun is None:
                raise no_such_project()
        view = ProjectView(project_id=project_id, role=Role.OWNER, created_at=begun)
        return 200 if known else 201, view.model_dump(mode="json")

    return await once(parts, write, change)


@router.delete("", status_code=204, openapi_extra=SECURED, responses=problems(*CHANGES), summary="Delete a project")
async def delete(
    request: Request, project_id: ProjectId, caller: CallerIn, parts: PartsIn, idempotency_key: IdempotencyKey = None
) -> Response:
    """Nobody is in it any more, and its owner has room for another. Only the owner may."""
    write = describe_write(request, caller.user_id, "delete_project", idempotency_key, {})

    async def change() -> Answer:
        membership = await membership_of(project_id, caller, parts)
        if membership.role is not Role.OWNER:
            raise Problem("forbidden", "Only the owner may delete a project.")
        async with projects_of(parts.engine, caller.user_id) as own:
            if await own.place(project_id, caller.user_id) is None:
                raise no_such_project()
            await own.end(project_id)
        log.info("project_deleted", project_id=project_id)
        return NO_CONTENT, {}

    return await once(parts, write, change)


@router.put(
    "/members/{user_id}",
    response_model=MemberView,
    openapi_extra=SECURED,
    dependencies=[Depends(json_only)],
    responses=ADDED | problems(*CHANGES, *WITH_BODY, "limit_reached"),
    summary="Add a person to a project, or give them another role",
)
async def put_member(
    request: Request,
    project_id: ProjectId,
    user_id: UserId,
    body: MemberBody,
    caller: CallerIn,
    parts: PartsIn,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """For the owner and admins. A person takes one seat of the owner's plan, however many projects they are in."""
    asked = body.model_dump()
    write = describe_write(request, caller.user_id, "put_project_member", idempotency_key, asked)

    async def change() -> Answer:
        membership = await membership_of(project_id, caller, parts)
        async with projects_of(parts.engine, membership.owner_id) as own:
            await _check_invites(own, project_id, caller.user_id)
            place = await own.place(project_id, user_id)
            if place is None:
                await _check_user(own, user_id)
                taken, has_seat = await own.seats(user_id)
                await _make_room(parts, own, SEATS, 0 if has_seat else 1, taken)
            elif place[0] is Role.OWNER:
                raise Problem("forbidden", "The owner stays the owner.")
            since = await own.seat(project_id, user_id, Role(body.role))
        log.info("project_member_put", project_id=project_id, member_id=user_id, role=body.role)
        view = MemberView(project_id=project_id, user_id=user_id, role=Role(body.role), added_at=since)
        return 200 if place else 201, view.model_dump(mode="json")

    return await once(parts, write, change)


@router.delete(
    "/members/{user_id}",
    status_code=204,
    openapi_extra=SECURED,
    responses=problems(*CHANGES),
    summary="Remove a person from a project",
)
async def remove_member(
    request: Request,
    project_id: ProjectId,
    user_id: UserId,
    caller: CallerIn,
    parts: PartsIn,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """For the owner and admins; and everybody may leave. The owner stays until the project is deleted."""
    write = describe_write(request, caller.user_id, "remove_project_member", idempotency_key, {})

    async def change() -> Answer:
        membership = await membership_of(project_id, caller, parts)
        async with projects_of(parts.engine, membership.owner_id) as own:
            if user_id != caller.user_id:
                await _check_invites(own, project_id, caller.user_id)
            place = await own.place(project_id, user_id)
            if place is None:
                raise Problem("not_found", "This person is not in the project.")
            if place[0] is Role.OWNER:
                raise Problem("forbidden", "The owner stays the owner.")
            await own.unseat(project_id, user_id)
        log.info("project_member_removed", project_id=project_id, member_id=user_id)
        return NO_CONTENT, {}

    return await once(parts, write, change)


async def _check_invites(own: OwnersProjects, project_id: str, user_id: str) -> None:
    """Asked again under the lock: whoever was removed a moment ago removes nobody."""
    place = await own.place(project_id, user_id)
    if place is None:
        raise no_such_project()
    if not place[0].invites:
        raise Problem("forbidden", "Only the owner and admins of the project may do this.")


async def _check_user(own: OwnersProjects, user_id: str) -> None:
    if not await own.is_user(user_id):
        raise Problem("not_found", "There is no such user.")


async def _make_room(parts: Parts, own: OwnersProjects, name: str, quantity: int, used: int) -> None:
    """Refuse what the owner's plan has no room for, or has not at this moment of the owner's clock."""
    row = await own.subscription()
    now = parts.customer_now(row["clock_offset_seconds"] if row else 0)
    verdict = has_room(entitled_by(row, parts.catalogue, now), name, quantity, used)
    if not verdict.allowed:
        detail = f"The plan has room for {verdict.limit} {name}, and there are {used}."
        raise Problem("limit_reached", detail, errors=[{"field": name, "reason": verdict.reason}])
