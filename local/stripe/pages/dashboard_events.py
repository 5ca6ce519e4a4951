"""Events with every attempt to deliver them, and the endpoints they go to."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..resources import events, webhook_endpoints
from ..world import World, visible
from .dashboard_frame import Dashboard, paged
from .site import Fields

Object = dict[str, Any]


def register(board: Dashboard) -> None:
    site, world = board.site, board.world

    def index(request: Request) -> Response:
        wanted = request.query_params.get("type", "").strip()
        undelivered = request.query_params.get("undelivered") == "1"
        found = (
            one
            for one in reversed(world.events.order)
            if one.type.startswith(wanted.rstrip("*")) and (not undelivered or one.id in world.events.pending)
        )
        facts = {"wanted": wanted, "undelivered": undelivered, "pending": world.events.pending}
        return board.show(request, "events", "events", pages=paged(request, found), **facts)

    def show(request: Request) -> Response:
        event = events.retrieve(world, request.path_params["id"], {})
        attempts = board.deliveries.attempts.of(event=event["id"])
        text = orjson.dumps(event, option=orjson.OPT_INDENT_2).decode()
        facts = {"event": event, "text": text, "attempts": attempts, "endpoints": _endpoints(world)}
        return board.show(request, "events", "event", waiting=_is_waiting(board, event["id"]), **facts)

    def resend(request: Request, fields: Fields) -> Response:
        id = request.path_params["id"]
        params = {"webhook_endpoint": fields["endpoint"]} if fields.get("endpoint") else {}
        return board.act(lambda: events.retry(world, id, params), f"/dashboard/events/{id}", "resent")

    def webhooks(request: Request) -> Response:
        kept = list(reversed(board.deliveries.attempts.kept))
        facts = {"endpoints": _endpoints(world), "pages": paged(request, kept)}
        return board.show(request, "webhooks", "webhooks", **facts)

    def toggle(request: Request, fields: Fields) -> Response:
        disabled = fields.get("disabled") == "true"
        id = request.path_params["id"]
        webhook_endpoints.retrieve(world, id, {})
        change = lambda: webhook_endpoints.update(world, id, {"disabled": disabled})  # noqa: E731
        return board.act(change, "/dashboard/webhooks", "changed")

    site.get("/dashboard/events", index)
    site.get("/dashboard/events/{id}", show)
    site.post("/dashboard/events/{id}/resend", resend)
    site.get("/dashboard/webhooks", webhooks)
    site.post("/dashboard/webhooks/{id}", toggle)


def _endpoints(world: World) -> dict[str, Object]:
    return {one["id"]: visible(one) for one in world.store.all("webhook_endpoint")}


def _is_waiting(board: Dashboard, event: str) -> bool:
    return any(one.event == event for one in board.deliveries.outstanding.values())
