"""Test clocks and the wall clock, with buttons that move them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..billing.periods import add_interval
from ..protocol.errors import invalid
from ..resources import test_clocks
from ..world import World
from .dashboard_frame import Dashboard, paged
from .site import Fields

Object = dict[str, Any]
DAY = 86400
STRIDES = {"next": "To the next deadline", "day": "1 day", "week": "1 week", "month": "1 month"}
MEANINGS = {
    "cancel": "a subscription ends as planned",
    "collect": "a failed payment is tried again",
    "expire_incomplete": "an unpaid beginning expires",
    "expire_session": "a checkout session expires",
    "expire_update": "an unpaid change expires",
    "finalize": "a draft invoice is finalized and charged",
    "period_end": "a period ends",
    "settle_dispute": "a bank decides a dispute",
    "settle_refund": "a refund arrives",
    "trial_will_end": "a trial ends in three days",
}


def register(board: Dashboard) -> None:
    site, world = board.site, board.world

    def index(request: Request) -> Response:
        clocks = (one for one in world.store.all(test_clocks.KIND) if not one.get("deleted"))
        pages = paged(request, clocks)
        rows = [{**clock_facts(world, one["id"]), "people": people(world, one["id"])} for one in pages["items"]]
        wall = {**clock_facts(world, None), "ahead": world.wall.ahead}
        return board.show(request, "time", "time", rows=rows, pages=pages, wall=wall)

    def advance(request: Request, fields: Fields) -> Response:
        clock = world.find(test_clocks.KIND, request.path_params["id"])
        target = moment_after(world, clock["id"], fields.get("stride", ""))
        change = lambda: test_clocks.advance(world, clock["id"], {"frozen_time": target})  # noqa: E731
        answer = board.act(change, _back(fields), "advanced")
        board.clocks.pick_up()
        return answer

    def advance_wall(request: Request, fields: Fields) -> Response:
        target = moment_after(world, None, fields.get("stride", ""))
        board.move_wall(max(1, target - world.now(None)))
        return site.go(f"{_back(fields)}?done=advanced")

    site.get("/dashboard/time", index)
    site.post("/dashboard/time/wall_clock/advance", advance_wall)
    site.post("/dashboard/time/{id}/advance", advance)


def clock_facts(world: World, clock: str | None) -> Object:
    """The time, what comes next, and how to go there."""
    found = world.store.get(clock) if clock else None
    deadline = world.deadlines.next(clock)
    return {
        "clock": found,
        "now": world.now(clock),
        "is_advancing": bool(found and found["status"] == "advancing"),
        "next_at": deadline["at"] if deadline else None,
        "next_meaning": _meaning(deadline["kind"]) if deadline else None,
        "advance_path": f"/dashboard/time/{clock or 'wall_clock'}/advance",
        "strides": STRIDES if deadline else {key: words for key, words in STRIDES.items() if key != "next"},
    }


def _meaning(kind: str) -> str:
    return MEANINGS.get(kind, kind.replace("_", " "))


def people(world: World, clock: str) -> list[Object]:
    return [one for one in world.store.where("customer", "_clock", clock) if not one.get("deleted")]


def moment_after(world: World, clock: str | None, stride: str) -> int:
    now = world.now(clock)
    if stride == "next":
        deadline = world.deadlines.next(clock)
        if deadline is None:
            raise invalid("Nothing is planned on this clock.")
        return max(int(deadline["at"]), now + 1)
    if stride == "month":
        return add_interval(now, "month", 1, now)
    if stride not in STRIDES:
        raise invalid(f"How far? One of {', '.join(STRIDES)}.")
    return now + {"day": DAY, "week": 7 * DAY}[stride]


def _back(fields: Fields) -> str:
    """Where the button was: a page of the dashboard, and nothing else."""
    back = fields.get("back", "")
    inside = back.startswith("/dashboard/") and back.replace("/", "").replace("_", "").isalnum()
    return back if inside else "/dashboard/time"
