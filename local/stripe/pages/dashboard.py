"""The dashboard at ``/``: what this Stripe holds, and buttons for what a customer, a bank or bad luck would do.

It stands in for https://dashboard.stripe.com in test mode. Every button does what a call of the API or of the control
API does, in the same code.
"""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import dashboard_customers, dashboard_events, dashboard_faults, dashboard_logs, dashboard_records, dashboard_time
from .dashboard_frame import Dashboard
from .site import HERE, Site

if TYPE_CHECKING:
    from ..api import API
    from ..clocks import Clocks
    from ..delivery import Deliveries

PARTS = (
    dashboard_customers,
    dashboard_records,
    dashboard_events,
    dashboard_time,
    dashboard_faults,
    dashboard_logs,
)


async def style(_: Request) -> Response:
    text = (HERE / "dashboard.css").read_text()
    return Response(text, media_type="text/css", headers={"Cache-Control": "no-cache"})


def register(site: Site, api: "API", clocks: "Clocks", deliveries: "Deliveries") -> None:
    board = Dashboard(site, api, clocks, deliveries)
    site.routes.append(Route("/_pages/dashboard.css", style))
    site.get("/", lambda _: site.go("/dashboard"))
    for part in PARTS:
        part.register(board)
