"""The control API of the local Stripe, under ``/_local``. It is not Stripe's; it answers on loopback only.

Bodies are JSON, errors have Stripe's form.

``POST /_local/checkout/sessions/{id}/complete`` {payment_method?: test token}
    Stands in for the hosted page: attaches the card, makes the subscription, answers the session. 402 when declined.
``POST /_local/checkout/sessions/{id}/expire``
    The session is over.
``POST /_local/payment_intents/{id}/authenticate`` {outcome?: "succeed" | "fail"}
    Stands in for the bank's 3-D Secure page; the same for ``/_local/setup_intents/{id}/authenticate``.
``GET, POST /_local/settings`` {retry_days, after_last_retry: "cancel" | "unpaid" | "past_due", finalize_after_seconds}
    What an account sets in its dashboard. A POST changes what it names.
``GET /_local/recorded``
    {requests, objects}: what was asked and shown, bounded, for checks of shapes.
``GET /_local/idle?test_clock=&endpoint=``
    {idle, pending_webhooks, advancing, next}: is everything delivered and at rest? ``next`` is the next deadline of the
    clock asked for, else of the wall clock.
``GET /_local/webhooks/attempts?endpoint=``
    {attempts}: the latest deliveries, each with its HTTP status, or 0 and an error.
``POST /_local/webhooks/chaos`` {seed, double, reorder, drop}
    Probabilities for every delivery from now on. A dropped one is never tried; its event stays in the log.
``GET, POST /_local/outage`` {status, count?, seconds?, method?, path?}
    The next calls, or the calls of the next seconds, fail so: 503 | 429 | 409 | "reset" | "hang" before the endpoint
    begins; 500 within it and kept for the idempotency key, before the effect, or after it with "spoiled"; "lost" is a
    reset after all is done; null ends it. With ``method`` or the beginning of a ``path`` only the calls that fit.
"""

from dataclasses import asdict, replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import control_disputes
from .api import API
from .clocks import Clocks
from .delivery import Deliveries
from .protocol.errors import StripeError, invalid
from .resources import checkout_completion, checkout_sessions, payment_intents, setup_intents
from .settings import Settings
from .world import World, visible

JSON = dict[str, Any]


def reply(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


class Control:
    def __init__(self, world: World, api: API, clocks: Clocks, deliveries: Deliveries) -> None:
        self.world, self.api, self.clocks, self.deliveries = world, api, clocks, deliveries

    def routes(self) -> list[Route]:
        session = "/_local/checkout/sessions/{id}"
        return [
            Route(f"{session}/complete", self.complete, methods=["POST"]),
            Route(f"{session}/expire", self.expire, methods=["POST"]),
            Route("/_local/{kind}/{id}/authenticate", self.authenticate, methods=["POST"]),
            Route("/_local/settings", self.settings, methods=["GET", "POST"]),
            Route("/_local/recorded", self.recorded, methods=["GET"]),
            Route("/_local/idle", self.idle, methods=["GET"]),
            Route("/_local/webhooks/attempts", self.attempts, methods=["GET"]),
            Route("/_local/webhooks/chaos", self.chaos, methods=["POST"]),
            Route("/_local/outage", self.outage, methods=["GET", "POST"]),
            *control_disputes.routes(self.world),
        ]

    async def complete(self, request: Request) -> Response:
        given = await _json(request)
        token = given.get("payment_method")
        return self._act(lambda: checkout_completion.complete(self.world, request.path_params["id"], token))

    async def expire(self, request: Request) -> Response:
        return self._act(lambda: checkout_sessions.expire(self.world, request.path_params["id"], {}))

    async def authenticate(self, request: Request) -> Response:
        given = await _json(request)
        passed = given.get("outcome", "succeed") == "succeed"
        answers: JSON = {
            "payment_intents": payment_intents.answer_challenge,
            "setup_intents": setup_intents.answer_challenge,
        }
        answer = answers.get(request.path_params["kind"])
        if answer is None:
            return reply({"error": {"message": "Only payment_intents and setup_intents are authenticated."}}, 404)
        return self._act(lambda: answer(self.world, request.path_params["id"], passed))

    def _act(self, action: Any) -> Response:
        try:
            with self.world.transaction():
                shown = visible(action())
            return reply(shown)
        except StripeError as refusal:
            return reply(refusal.body, refusal.status)

    async def settings(self, request: Request) -> Response:
        if request.method == "POST":
            given = await _json(request)
            try:
                settings = _changed(self.world.settings, given)
            except StripeError as refusal:
                return reply(refusal.body, refusal.status)
            with self.world.transaction():
                stored = self.world.store.get("settings")
                if stored is None:
                    self.world.store.put(settings.as_object())
                else:
                    self.world.store.edit(stored).update(settings.as_object())
        return reply(asdict(self.world.settings))

    async def recorded(self, request: Request) -> Response:
        return reply(self.api.recording.as_json())

    async def idle(self, request: Request) -> Response:
        clock, endpoint = request.query_params.get("test_clock"), request.query_params.get("endpoint")
        pending = [one for one in self.deliveries.outstanding.values() if endpoint in (None, one.endpoint)]
        advancing = [
            one["id"]
            for one in self.world.store.kinds.get("test_helpers.test_clock", {}).values()
            if one["status"] == "advancing" and clock in (None, one["id"])
        ]
        deadline = self.world.deadlines.next(clock)
        return reply(
            {
                "idle": not pending and not advancing,
                "pending_webhooks": len(pending),
                "advancing": advancing,
                "next": deadline["at"] if deadline else None,
            }
        )

    async def attempts(self, request: Request) -> Response:
        endpoint = request.query_params.get("endpoint")
        return reply({"attempts": [one for one in self.deliveries.attempts if endpoint in (None, one["endpoint"])]})

    async def chaos(self, request: Request) -> Response:
        given = await _json(request)
        odds = {name: float(given.get(name, 0)) for name in ("double", "reorder", "drop")}
        self.deliveries.chaos.set(int(given.get("seed", 0)), **odds)
        return reply({"seed": int(given.get("seed", 0)), **odds})

    async def outage(self, request: Request) -> Response:
        if request.method == "POST":
            self.api.outage.set(await _json(request))
        return reply(self.api.outage.as_json())


async def _json(request: Request) -> JSON:
    body = await request.body()
    given: JSON = orjson.loads(body) if body else {}
    return given


def _changed(settings: Settings, given: JSON) -> Settings:
    unknown = given.keys() - {"retry_days", "after_last_retry", "finalize_after_seconds"}
    if unknown:
        raise invalid(f"Received unknown parameter: {min(unknown)}", min(unknown), "parameter_unknown")
    if given.get("after_last_retry", "cancel") not in Settings.OUTCOMES:
        raise invalid(f"Invalid after_last_retry: must be one of {', '.join(Settings.OUTCOMES)}", "after_last_retry")
    changes = dict(given)
    if "retry_days" in changes:
        changes["retry_days"] = tuple(int(days) for days in changes["retry_days"])
    return replace(settings, **changes)
