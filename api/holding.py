"""One request at a time under an Idempotency-Key: while it is worked on, a second one is told to come again.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ section 2.6. The hold has an end by the
clock, so that a process which dies leaves no key locked; what such a process had begun is joined, not done again.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from api.parts import PartsIn
from database.operations import let_go

BEYOND_THE_DEADLINE_SECONDS = 10.0
"""A request ends a little after its deadline, whatever happens; nothing is held for longer."""

log = structlog.get_logger(__name__)


@dataclass
class Hold:
    """What this request works on; None: nothing any more."""

    operation_id: UUID | None = None


async def holding(request: Request, parts: PartsIn) -> AsyncIterator[None]:
    """Let go of what was begun and not ended, however the request ends.

    It has been answered by then, so a database that is away breaks nothing: the hold ends by the clock.
    """
    request.state.hold = hold = Hold()
    try:
        yield
    finally:
        if hold.operation_id is not None:
            try:
                await let_go(parts.engine, hold.operation_id)
            except (SQLAlchemyError, OSError) as error:
                log.warning("hold_not_ended", operation_id=str(hold.operation_id), reason=type(error).__name__)
