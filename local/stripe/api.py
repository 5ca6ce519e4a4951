"""One request to Stripe's API: who asks, what for, has it been answered before, do it, show the result."""

import logging
import traceback
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .outage import Outage
from .protocol.authentication import api_key, check_version
from .protocol.errors import StripeError, invalid
from .protocol.expansion import render
from .protocol.former_parameters import forget
from .protocol.forms import as_list, decode
from .protocol.idempotency import Idempotency, fingerprint, refuse_unless_short
from .protocol.parameters import check
from .recording import Recording
from .resources import ROUTES
from .routing import Operation
from .world import API_VERSION, World

log = logging.getLogger("local.stripe")


class API:
    def __init__(self, world: World, recording: Recording) -> None:
        self.world = world
        self.recording = recording
        self.outage = Outage()
        self.idempotency = Idempotency(world.journal)

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        request_id = self.world.new_id("req", 14)
        headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION, "Access-Control-Allow-Origin": "*"}
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key:
            headers["Idempotency-Key"] = key
        try:
            secret = api_key(request.headers)
            refuse_unless_short(key or "")
            await self.outage.strike(request.method, request.url.path)
            check_version(request.headers)
            scoped = f"{secret}:{key}" if key else None
            status, content, replayed = await self._once(request, body, request_id, scoped)
            self.outage.lose(request.method, request.url.path)
        except StripeError as refusal:
            status, content, replayed = refusal.status, orjson.dumps(refusal.body), False
            if refusal.retry_after is not None:
                headers["Retry-After"] = str(refusal.retry_after)
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        if status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
        return Response(content, status, headers, media_type="application/json")

    async def _once(self, request: Request, body: bytes, request_id: str, key: str | None) -> tuple[int, bytes, bool]:
        path = request.url.path
        if key is None:
            return *self._perform(request, body, request_id, None, ""), False
        print_ = fingerprint(f"{request.method} {path}?{request.url.query}", body)
        kept = self.idempotency.replay(key, print_, path)
        if kept:
            return kept.status, kept.body, True
        self.idempotency.in_flight.add(key)
        try:
            return *self._perform(request, body, request_id, key, print_), False
        finally:
            self.idempotency.in_flight.discard(key)

    def _perform(
        self, request: Request, body: bytes, request_id: str, key: str | None, print_: str
    ) -> tuple[int, bytes]:
        """Do it in one transaction with the kept answer, so that neither is ever without the other."""
        status, keeps = 200, True
        try:
            operation, ids = ROUTES.find("GET" if request.method == "HEAD" else request.method, request.url.path)
            params = self._params(request, body, operation.params, operation.emulated)
            self.recording.request(operation, params)
            self.outage.fail(request.method, request.url.path)
            expand = params.pop("expand", [])
            with self.world.transaction((request_id, key.partition(":")[2] if key else None)):
                content = self._act(operation, ids, params, expand, key, print_)
            self.recording.answer(operation, content)
            return status, content
        except StripeError as refusal:
            status, content, keeps = refusal.status, orjson.dumps(refusal.body), refusal.replayable
        except Exception:
            log.error("%s %s\n%s", request.method, request.url.path, traceback.format_exc())
            failure = StripeError(500, "An unexpected error occurred in the local Stripe.", type="api_error")
            status, content = 500, orjson.dumps(failure.body)
        if key and keeps and key not in self.idempotency.answers:
            self.idempotency.keep(key, print_, status, content)
            self.world.journal.commit()
        return status, content

    def _act(
        self, operation: Operation, ids: tuple[str, ...], params: Any, expand: list[str], key: str | None, print_: str
    ) -> bytes:
        """Inside the transaction: what is kept for the key is committed with the effects, declines included."""
        try:
            shown = render(self.world, operation.handler(self.world, *ids, params), expand)
            self.outage.spoil(operation.method, operation.path)
        except StripeError as refusal:
            if key and refusal.keeps_effects and refusal.replayable:
                self.idempotency.keep(key, print_, refusal.status, orjson.dumps(refusal.body))
            raise
        content = orjson.dumps(shown)
        if key:
            self.idempotency.keep(key, print_, 200, content)
        return content

    def _params(self, request: Request, body: bytes, types: type | None, emulated: Any) -> dict[str, Any]:
        given = decode(request.url.query)
        if body:
            kind = request.headers.get("content-type", "application/x-www-form-urlencoded")
            if "application/x-www-form-urlencoded" not in kind:
                raise invalid(f"The local Stripe takes form-encoded bodies only, not {kind}.")
            given |= decode(body)
        forget(given, request.url.path, request.headers)
        if types is None and "expand" in given:
            wanted = as_list(given.pop("expand"))
            if wanted is None or not all(isinstance(path, str) for path in wanted):
                raise invalid("Invalid array", "expand")
            return {"expand": wanted, **check(types, given, emulated)}
        return check(types, given, emulated)
