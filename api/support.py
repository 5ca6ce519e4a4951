"""What the roles ``support`` and ``admin`` may do for a user: read everything, and send a letter again."""

from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.admin import SECURED, UserId
from api.asking import begin, describe_write, operators_key
from api.auditing import operators_act
from api.auth import SupporterIn
from api.bodies import IdempotencyKey
from api.contract import READS, problems
from api.operations import view_operation
from api.parts import PartsIn
from api.problems import Problem
from api.timelines import Cursor, Limit, NewestFirst, Page, read_page
from api.views import OperationView, TimelineView, view_subscription
from api.views_of_support import LettersView, LetterView, WholeSubscriptionView
from database.administration import has_letter, owner_of, read_letters, send_again
from database.audit import write_act_first
from database.operations import complete_operation, find_operation
from database.reading import read_subscription
from lifecycle.intents import Result

router = APIRouter(prefix="/billing/admin", tags=["Administration"])

MOST_LETTERS = 200
OF_OPERATORS = (*READS, "session_required", "invalid_request")


@router.get(
    "/users/{user_id}/subscription",
    openapi_extra=SECURED,
    responses=problems(*OF_OPERATORS, "no_subscription"),
    summary="Read anybody's subscription",
)
async def read_theirs(user_id: UserId, supporter: SupporterIn, parts: PartsIn) -> WholeSubscriptionView:
    """As the user sees it, with Stripe's ids and what a person should look at."""
    await write_act_first(parts.engine, operators_act(supporter, "read_subscription", user_id))
    row = await read_subscription(parts.engine, user_id)
    if row is None or row["status"] is None:
        raise Problem("no_subscription", "This user has never subscribed.")
    shown = view_subscription(row, parts.customer_now(row["clock_offset_seconds"]))
    theirs = {name: row[name] for name in WholeSubscriptionView.model_fields.keys() & row.keys()}
    return WholeSubscriptionView(**theirs | dict(shown))


@router.get(
    "/users/{user_id}/timeline",
    openapi_extra=SECURED,
    responses=problems(*OF_OPERATORS),
    summary="Read what happened to anybody",
)
async def read_their_timeline(
    user_id: UserId,
    supporter: SupporterIn,
    parts: PartsIn,
    cursor: Cursor = None,
    limit: Limit = 50,
    newest_first: NewestFirst = False,
) -> TimelineView:
    """Everything, also what the user is not told: how rules were applied, and what was flagged for a person."""
    await write_act_first(parts.engine, operators_act(supporter, "read_timeline", user_id))
    return await read_page(parts.engine, user_id, Page(cursor, limit, newest_first), in_full=True)


@router.get(
    "/users/{user_id}/letters",
    openapi_extra=SECURED,
    responses=problems(*OF_OPERATORS),
    summary="Read what became of a user's letters",
)
async def read_their_letters(user_id: UserId, supporter: SupporterIn, parts: PartsIn) -> LettersView:
    """The newest 200, the last first: kind, occasion and what the mail server said; never the text or the address."""
    await write_act_first(parts.engine, operators_act(supporter, "read_letters", user_id))
    rows = await read_letters(parts.engine, user_id, MOST_LETTERS)
    return LettersView(letters=[LetterView(**row) for row in rows])


@router.post(
    "/users/{user_id}/letters/{letter_id}/resend",
    status_code=202,
    response_model=OperationView,
    openapi_extra=SECURED,
    responses=problems(*OF_OPERATORS, "not_found", "idempotency_key_reused"),
    summary="Send a letter again",
)
async def resend(
    request: Request,
    user_id: UserId,
    letter_id: UUID,
    supporter: SupporterIn,
    parts: PartsIn,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Within a minute, under the same Message-ID; a letter that is no longer true is skipped. Who asked is kept."""
    if not await has_letter(parts.engine, user_id, letter_id):
        raise Problem("not_found", "This user has no such letter.")
    key = operators_key(supporter, idempotency_key)
    act = operators_act(supporter, "resend_letter", user_id, letter=letter_id)
    operation = await begin(parts, replace(describe_write(request, user_id, "resend_letter", key, {}), act=act))
    if operation.is_pending:
        await send_again(parts.engine, user_id, letter_id)
        await complete_operation(parts.engine, operation.id, "succeeded", {"result": Result.DONE.value})
    ended = await find_operation(parts.engine, user_id, operation.id) or operation
    return JSONResponse(view_operation(ended).model_dump(mode="json"), 202)


@router.get(
    "/operations/{operation_id}",
    openapi_extra=SECURED,
    responses=problems(*OF_OPERATORS, "not_found"),
    summary="Ask how anybody's write ended",
)
async def read_operation(operation_id: UUID, supporter: SupporterIn, parts: PartsIn) -> OperationView:
    """A write of an administrator's that took longer than its request, or of a user's."""
    owner = await owner_of(parts.engine, operation_id)
    await write_act_first(parts.engine, operators_act(supporter, "read_operation", owner), operation_id)
    operation = await find_operation(parts.engine, owner, operation_id) if owner else None
    if operation is None:
        raise Problem("not_found", "There is no such operation.")
    return view_operation(operation)
