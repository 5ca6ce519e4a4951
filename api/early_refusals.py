"""What is refused before anybody was asked whose it is, counted all the same: nobody may ask for nonsense for ever."""

from http import HTTPStatus

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.hosts import PROBES
from api.parts import Parts
from api.problems import Problem, answer
from api.rate_limits import is_counted


class EarlyRefusals:
    """Counts an answer of 4xx against its address, unless the request was counted before it got there.

    The count is taken when the answer begins, so that a request is counted once, and in one round trip.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        is_limited = False

        async def send_counted(message: Message) -> None:
            nonlocal is_limited
            if message["type"] == "http.response.start":
                problem = await _too_often(Request(scope), message["status"])
                if problem:
                    is_limited = True
                    await answer(problem)(scope, receive, send)
            if not is_limited:
                await send(message)

        await self._app(scope, receive, send_counted)


async def _too_often(request: Request, status: int) -> Problem | None:
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR or is_counted(request):
        return None
    parts: Parts = request.state.parts
    try:
        await parts.rate_limits.admit_anonymous(request)
    except Problem as problem:
        return problem
    return None
