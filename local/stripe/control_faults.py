"""Faults on and off, over the control API (:mod:`.faults` says what each one does).

``GET /_local/faults``
    {faults, kinds}: the rules in force with what is left of each and how often it struck; what each fault means.
``POST /_local/faults`` {fault, method?, path?, api_key?, idempotency_key?, event?, endpoint?, count?, seconds?,
probability?, seed?, milliseconds?, retry_after?}
    One rule more, answered with its id. The selectors fit by the beginning of their text: `path`, `api_key` and
    `idempotency_key` choose among calls; `event` (its type) and `endpoint` (its id) among deliveries. Without
    `count` (hits) and `seconds` it stays. Rules with the same `seed` strike the same calls of the same sequence.
    A call that a rule struck says so in its header `Local-Stripe-Fault`.
``DELETE /_local/faults`` and ``DELETE /_local/faults/{id}``
    All rules, or one, are gone.

Two short forms, each of which keeps rules of its own:

``GET, POST /_local/outage`` {status, count?, seconds?, method?, path?}
    One rule for calls. ``status`` is 503 | 429 | 409 | 500 | "reset" | "hang", "spoiled" (500 after the effect) or
    "lost" (reset after the effect); null ends it.
``POST /_local/webhooks/chaos`` {seed, double, reorder, drop}
    Probabilities for every delivery from now on.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .control_protocol import JSON, body_of, reply
from .faults import KINDS, Faults
from .protocol.errors import invalid

OUTAGES = {
    503: "unavailable",
    429: "rate_limit",
    409: "conflict",
    500: "error_before",
    "spoiled": "error_after",
    "reset": "reset_before",
    "hang": "hang",
    "lost": "reset_after",
}
CHAOS = ("double", "reorder", "drop")


class ControlFaults:
    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def routes(self) -> list[Route]:
        return [
            Route("/_local/faults", self.show, methods=["GET"]),
            Route("/_local/faults", self.add, methods=["POST"]),
            Route("/_local/faults", self.clear, methods=["DELETE"]),
            Route("/_local/faults/{id}", self.remove, methods=["DELETE"]),
            Route("/_local/outage", self.outage, methods=["GET", "POST"]),
            Route("/_local/webhooks/chaos", self.chaos, methods=["POST"]),
        ]

    async def show(self, _: Request) -> Response:
        return reply({"faults": [rule.as_json() for rule in self.faults.rules.values()], "kinds": KINDS})

    async def add(self, request: Request) -> Response:
        return reply(self.faults.add(await body_of(request)).as_json())

    async def clear(self, _: Request) -> Response:
        self.faults.clear()
        return reply({"faults": []})

    async def remove(self, request: Request) -> Response:
        id = request.path_params["id"]
        self.faults.remove(id)
        return reply({"id": id, "deleted": True})

    async def outage(self, request: Request) -> Response:
        if request.method == "POST":
            self._set_outage(await body_of(request))
        return reply(self._outage())

    def _set_outage(self, given: JSON) -> None:
        self.faults.rules.pop("outage", None)
        status = given.pop("status", None)
        if status is not None:
            if status not in OUTAGES:
                raise invalid(f"Invalid status: must be one of {', '.join(map(str, OUTAGES))}", "status")
            self.faults.add({"fault": OUTAGES[status], **given}, "outage")

    def _outage(self) -> JSON:
        rule = self.faults.rules.get("outage")
        shown: dict[str, Any] = {name: getattr(rule, name, None) for name in ("count", "until", "method", "path")}
        names = {fault: status for status, fault in OUTAGES.items()}
        return {"status": names[rule.fault] if rule and not rule.is_over else None, **shown}

    async def chaos(self, request: Request) -> Response:
        given = await body_of(request)
        seed, odds = int(given.get("seed", 0)), {name: float(given.get(name, 0)) for name in CHAOS}
        for name, probability in odds.items():
            self.faults.rules.pop(f"chaos_{name}", None)
            if probability:
                self.faults.add({"fault": name, "probability": probability, "seed": seed}, f"chaos_{name}")
        return reply({"seed": seed, **odds})
