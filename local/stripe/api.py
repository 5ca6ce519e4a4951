"""One request to Stripe's API: who asks, what for, has it been answered before, do it, show the result."""

import logging
import time
import traceback
from dataclasses import dataclass, field

import orjson
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response

from .call_faults import Call, ConnectionReset, key_of
from .faults import Faults
from .protocol.authentication import api_key, check_version
from .protocol.errors import StripeError
from .protocol.expansion import render
from .protocol.idempotency import Idempotency, fingerprint, refuse_unless_short
from .protocol.reading import parameters
from .recording import Recording
from .request_log import Request, RequestLog
from .resources import ROUTES
from .routing import Operation
from .world import API_VERSION, World

log = logging.getLogger("local.stripe")


@dataclass
class Asked:
    """One request on its way, and what is to be said of it."""

    http: HTTPRequest
    body: bytes
    id: str
    call: Call
    key: str | None = None
    """Scoped by the API key; None without an idempotency key."""
    print: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.http.url.path


class API:
    def __init__(self, world: World, recording: Recording) -> None:
        self.world = world
        self.recording = recording
        self.faults = Faults()
        self.log = RequestLog()
        self.idempotency = Idempotency(world.journal, world.wall)

    async def answer(self, request: HTTPRequest) -> Response:
        began, body = time.perf_counter(), await request.body()
        call = Call(self.faults, request.method, request.url.path, "", key_of(request.headers, request.method))
        asked = Asked(request, body, self.world.new_id("req", 14), call)
        asked.headers |= {"Request-Id": asked.id, "Stripe-Version": API_VERSION, "Access-Control-Allow-Origin": "*"}
        if call.idempotency_key:
            asked.headers |= {"Idempotency-Key": call.idempotency_key, "Original-Request": asked.id}
        status, content = 0, b""
        try:
            status, content = await self._respond(asked)
            call.lose()
        except ConnectionReset:
            status = 0
            raise
        finally:
            self._note(asked, status, content, time.perf_counter() - began)
        if call.struck:
            asked.headers["Local-Stripe-Fault"] = ", ".join(f"{rule.id} {rule.fault}" for rule in call.struck)
        return Response(content, status, asked.headers, media_type="application/json")

    async def _respond(self, asked: Asked) -> tuple[int, bytes]:
        call = asked.call
        try:
            call.api_key = api_key(asked.http.headers)
            refuse_unless_short(call.idempotency_key)
            await call.begin()
            check_version(asked.http.headers)
            asked.key = f"{call.api_key}:{call.idempotency_key}" if call.idempotency_key else None
            return await self._once(asked)
        except StripeError as refusal:
            return self._refused(asked, refusal)

    async def _once(self, asked: Asked) -> tuple[int, bytes]:
        if asked.key is None:
            await asked.call.take_time()
            return self._perform(asked)
        asked.print = fingerprint(f"{asked.http.method} {asked.path}?{asked.http.url.query}".rstrip("?"), asked.body)
        kept = self.idempotency.replay(asked.key, asked.print)
        if kept:
            asked.headers |= {"Idempotent-Replayed": "true", "Original-Request": kept.request or asked.id}
            if kept.status >= 400:
                # Trying once more would only bring the same answer again.
                asked.headers["Stripe-Should-Retry"] = "false"
            return kept.status, kept.body
        self.idempotency.in_flight.add(asked.key)
        try:
            await asked.call.take_time()
            return self._perform(asked)
        finally:
            self.idempotency.in_flight.discard(asked.key)

    def _perform(self, asked: Asked) -> tuple[int, bytes]:
        """Do it in one transaction with the kept answer, so that neither is ever without the other."""
        ids: tuple[str, ...] = ()
        try:
            method = "GET" if asked.http.method == "HEAD" else asked.http.method
            operation, ids = ROUTES.find(method, asked.path)
            params = parameters(asked.http, asked.body, operation.params, operation.emulated)
            self.recording.request(operation, params)
            asked.call.fail_before()
            with self.world.transaction((asked.id, asked.call.idempotency_key or None)):
                content = self._act(asked, operation, ids, params)
            self.recording.answer(operation, content)
            return 200, content
        except StripeError as refusal:
            failure = refusal
        except Exception:
            log.error("%s %s\n%s", asked.http.method, asked.path, traceback.format_exc())
            failure = StripeError(500, "An unexpected error occurred in the local Stripe.", type="api_error")
        if failure.missing is not None and failure.status in (400, 404):
            # What the path names is not found; what a parameter names makes the request a bad one.
            failure.status = 404 if failure.missing in ids else 400
        status, content = self._refused(asked, failure)
        if asked.key and failure.replayable and asked.key not in self.idempotency.answers:
            self.idempotency.keep(asked.key, asked.print, status, content, asked.id)
            self.world.journal.commit()
        return status, content

    def _act(self, asked: Asked, operation: Operation, ids: tuple[str, ...], params: dict[str, object]) -> bytes:
        """Inside the transaction: what is kept for the key is committed with the effects, declines included."""
        expand: list[str] = params.pop("expand", [])  # type: ignore[assignment]
        try:
            content = orjson.dumps(render(self.world, operation.handler(self.world, *ids, params), expand))
            asked.call.fail_after()
        except StripeError as refusal:
            if asked.key and refusal.keeps_effects and refusal.replayable:
                status, content = self._refused(asked, refusal)
                self.idempotency.keep(asked.key, asked.print, status, content, asked.id)
            raise
        if asked.key:
            self.idempotency.keep(asked.key, asked.print, 200, content, asked.id)
        return content

    def _refused(self, asked: Asked, refusal: StripeError) -> tuple[int, bytes]:
        asked.headers |= refusal.headers
        known = asked.call.api_key != ""
        url = f"{self.world.url}/dashboard/logs/{asked.id}" if known else None
        return refusal.status, orjson.dumps(refusal.shown(url))

    def _note(self, asked: Asked, status: int, content: bytes, seconds: float) -> None:
        self.log.add(
            Request(
                asked.id,
                time.time(),
                asked.http.method,
                asked.path,
                status,
                seconds * 1000,
                asked.call.idempotency_key,
                "Idempotent-Replayed" in asked.headers,
                tuple(rule.fault for rule in asked.call.struck),
                asked.body[:4000].decode(errors="replace") or asked.http.url.query,
                content[:20_000],
            )
        )
