"""What surrounds every request: its id, its line in the log, its time, the limit of its body, and the last resort."""

import asyncio
import re
import time
from collections.abc import Mapping
from uuid import uuid4

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import telemetry
from api.problems import Problem, answer

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

CLIENT_LEFT = 499
"""What is logged and counted when nobody waits for an answer any more: nginx's number, which RFC 9110 leaves free."""

log = structlog.get_logger(__name__)


class Envelope:
    """Names the request, logs and counts it, and turns a bug into a 500 that says nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id", ""))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        status = 0

        async def receive_noted() -> Message:
            nonlocal status
            message = await receive()
            if message["type"] == "http.disconnect":
                status = status or CLIENT_LEFT
            return message

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = status or message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive_noted, send_named)
        except ClientDisconnect:
            pass  # there is nobody to answer, and the line in the log says so
        except Exception:
            log.exception("request_broke")
            if status:
                raise  # half an answer is out; only closing the connection tells the caller
            await answer(Problem("internal_error"))(scope, receive, send_named)
        finally:
            _account(scope, status, time.perf_counter() - began)


class TimeLimit:
    """Nobody waits for ever for a part that took the question and fell silent (503) or for the rest of a body (408)."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = is_arriving = False

        async def receive_in_time() -> Message:
            nonlocal is_arriving
            is_arriving = True
            message = await receive()
            is_arriving = False
            return message

        async def send_in_time(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._app(scope, receive_in_time, send_in_time)
        except Exception:
            if begun or not limit.expired():
                raise
            await answer(self._too_late(is_arriving=is_arriving))(scope, receive, send)

    def _too_late(self, *, is_arriving: bool) -> Problem:
        if is_arriving:  # what comes after all must not be taken for the next request: RFC 9110 section 15.5.9
            detail = f"The body did not arrive within {self._seconds:g} s."
            return Problem("request_timeout", detail, headers={"Connection": "close"})
        log.warning("request_took_too_long", seconds=self._seconds)
        return Problem("temporarily_unavailable", "Please try again in a moment.")


class BodyLimit:
    """Counts a body while it streams in, so that a wrong or missing Content-Length opens no way around."""

    def __init__(self, app: ASGIApp, limit: int, limits_by_path: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._limits_by_path = limits_by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limits_by_path.get(scope["path"], self._limit)
        declared = Headers(scope=scope).get("content-length", "")
        seen = int(declared[:20]) if declared.isdigit() else 0
        if seen <= limit:
            seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            if seen <= limit:
                message = await receive()
                seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413)  # the framework lets its own exception through while it reads a body
            return message

        await self._app(scope, receive_counted, send)


def _request_id(given: str) -> str:
    """The caller's own id when it is harmless, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _account(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "unmatched")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    telemetry.REQUESTS.labels(method, route, str(status)).observe(seconds)
    log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))
