"""The bank's part of a dispute, under ``/_local``: Stripe has no call that disputes a charge.

``POST /_local/charges/{id}/dispute`` {reason?: "fraudulent", amount?, status?: "needs_response" |
"warning_needs_response"}
    The cardholder disputes a paid charge, or with a warning only inquires. Answers the dispute.
``POST /_local/disputes/{id}/settle`` {outcome: "won" | "lost"}
    The bank decides. An inquiry is closed either way. Answers the dispute.
"""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .billing import disputing
from .billing.new_dispute import REASONS
from .protocol.errors import StripeError, invalid
from .world import World, visible

JSON = dict[str, Any]
STATUSES = ("needs_response", "warning_needs_response")


def routes(world: World) -> list[Route]:
    async def dispute(request: Request) -> Response:
        given = await _json(request)
        return _act(world, lambda: open_for(world, request.path_params["id"], given))

    async def settle(request: Request) -> Response:
        given = await _json(request)
        return _act(world, lambda: decide(world, request.path_params["id"], given))

    return [
        Route("/_local/charges/{id}/dispute", dispute, methods=["POST"]),
        Route("/_local/disputes/{id}/settle", settle, methods=["POST"]),
    ]


def open_for(world: World, id: str, given: JSON) -> JSON:
    charge = world.find("charge", id)
    _only(given, "reason", "amount", "status")
    reason, status = given.get("reason", "fraudulent"), given.get("status", STATUSES[0])
    amount = given.get("amount", charge["amount"] - charge["amount_refunded"])
    if reason not in REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(REASONS)}", "reason")
    if status not in STATUSES:
        raise invalid(f"Invalid status: must be one of {', '.join(STATUSES)}", "status")
    if not charge["paid"] or disputing.of_charge(world, charge):
        raise invalid(f"Charge {id} was not paid or is already disputed.", "id")
    if not isinstance(amount, int) or not 0 < amount <= charge["amount"]:
        raise invalid(f"Invalid amount: must be from 1 to {charge['amount']}", "amount")
    return disputing.open_dispute(world, charge, reason, amount, inquiry=status == STATUSES[1])


def decide(world: World, id: str, given: JSON) -> JSON:
    dispute = world.find("dispute", id)
    _only(given, "outcome")
    outcomes = {"won": disputing.win, "lost": disputing.lose}
    if given.get("outcome") not in outcomes:
        raise invalid("Invalid outcome: must be one of won, or lost", "outcome")
    disputing.refuse_unless_open(dispute)
    outcomes[given["outcome"]](world, dispute)
    return dispute


def _only(given: JSON, *names: str) -> None:
    unknown = given.keys() - set(names)
    if unknown:
        raise invalid(f"Received unknown parameter: {min(unknown)}", min(unknown), "parameter_unknown")


async def _json(request: Request) -> JSON:
    try:
        given = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError:
        return {"body": None}
    return given if isinstance(given, dict) else {"body": given}


def _act(world: World, action: Callable[[], JSON]) -> Response:
    try:
        with world.transaction():
            content, status = visible(action()), 200
    except StripeError as refusal:
        content, status = refusal.body, refusal.status
    return Response(orjson.dumps(content), status, media_type="application/json")
