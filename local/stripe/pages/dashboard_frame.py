"""What all pages of the dashboard share: the frame, pages of long lists, what was done, colours of states."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from .site import Site

if TYPE_CHECKING:
    from ..api import API
    from ..clocks import Clocks
    from ..delivery import Deliveries

Object = dict[str, Any]
A_PAGE = 25
TABS = (
    ("customers", "Customers", "/dashboard"),
    ("subscriptions", "Subscriptions", "/dashboard/subscriptions"),
    ("invoices", "Invoices", "/dashboard/invoices"),
    ("events", "Events", "/dashboard/events"),
    ("webhooks", "Webhooks", "/dashboard/webhooks"),
    ("time", "Time", "/dashboard/time"),
    ("faults", "Faults", "/dashboard/faults"),
    ("logs", "Logs", "/dashboard/logs"),
)
DONE = {
    "advanced": "The clock is on its way.",
    "added": "The fault is in force.",
    "changed": "The endpoint has changed.",
    "canceled": "The subscription has ended.",
    "deleted": "Deleted.",
    "disputed": "The cardholder disputes this payment.",
    "fails": "From now on every charge is declined, beginning with the next renewal.",
    "pays": "The former card is back.",
    "refunded": "The payment was refunded.",
    "removed": "The fault is gone.",
    "resent": "The event is delivered again.",
    "settled": "The bank has decided.",
}
GOOD = {"active", "trialing", "paid", "succeeded", "enabled", "ready", "complete", "won"}
WARN = {"past_due", "open", "advancing", "incomplete", "paused", "pending", "requires_action", "needs_response"}
BAD = {"unpaid", "failed", "uncollectible", "disabled", "incomplete_expired", "internal_failure", "lost"}


class Dashboard:
    """What all pages of the dashboard share."""

    def __init__(self, site: Site, api: "API", clocks: "Clocks", deliveries: "Deliveries") -> None:
        self.site, self.world = site, site.world
        self.api, self.clocks, self.deliveries = api, clocks, deliveries
        self.moving: set[asyncio.Task[None]] = set()
        site.templates.filters |= {"tone": tone, "second": second, "form": form}

    def show(self, request: Request, tab: str, template: str, **facts: Any) -> Response:
        done = DONE.get(request.query_params.get("done", ""))
        return self.site.page(f"dashboard/{template}.html", tab=tab, tabs=TABS, done=done, **facts)

    def act(self, change: Callable[[], object], address: str, done: str) -> Response:
        """Do it in a transaction, then show the page again."""
        with self.world.transaction():
            change()
        return self.site.go(f"{address}{'&' if '?' in address else '?'}done={done}")

    def move_wall(self, seconds: int) -> None:
        async def move() -> None:
            await self.clocks.advance_wall(seconds)
            self.deliveries.queue.changed.set()

        task = asyncio.get_running_loop().create_task(move())
        self.moving.add(task)
        task.add_done_callback(self.moving.discard)


def tone(status: str) -> str:
    """The colour of a status."""
    return "good" if status in GOOD else "warn" if status in WARN else "bad" if status in BAD else ""


def second(seconds: float) -> str:
    """2 May 2027, 14:03:07 UTC: of the real clock, where a minute is long."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.day} {moment:%B %Y}, {moment:%H:%M:%S} UTC"


def form(text: str) -> str:
    """``a=1&b=2`` on lines of their own, decoded."""
    return "\n".join(f"{name} = {value}" for name, value in parse_qsl(text, keep_blank_values=True)) or text


def paged(request: Request, found: Sequence[Any] | Iterable[Any]) -> Object:
    """One page of what was found: its items, and where the pages before and after it are."""
    given = request.query_params.get("page", "1")
    number = max(1, int(given)) if given.isdecimal() and len(given) < 7 else 1
    begin = (number - 1) * A_PAGE
    items = list(islice(found, begin, begin + A_PAGE + 1))

    def address(page: int) -> str:
        return str(request.url.include_query_params(page=page).query)

    return {
        "items": items[:A_PAGE],
        "number": number,
        "before": address(number - 1) if number > 1 else None,
        "after": address(number + 1) if len(items) > A_PAGE else None,
    }
