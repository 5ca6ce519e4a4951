"""Lists of subscriptions and of invoices, newest first."""

from starlette.requests import Request
from starlette.responses import Response

from ..billing.lines import product_name
from .dashboard_frame import Dashboard, paged

STATUSES = {
    "subscription": ("active", "trialing", "past_due", "unpaid", "paused", "incomplete", "canceled"),
    "invoice": ("draft", "open", "paid", "void", "uncollectible"),
}


def register(board: Dashboard) -> None:
    world = board.world
    board.site.templates.filters["plan"] = lambda item: product_name(world, item["price"])
    board.site.templates.globals["customer_of"] = lambda id: world.store.get(id or "") or {"id": id}

    def index(kind: str) -> None:
        def show(request: Request) -> Response:
            wanted = request.query_params.get("status")
            found = (one for one in world.store.all(kind) if wanted in (None, one["status"]))
            pages = paged(request, found)
            facts = {"pages": pages, "statuses": STATUSES[kind], "wanted": wanted}
            return board.show(request, f"{kind}s", f"{kind}s", **facts)

        board.site.get(f"/dashboard/{kind}s", show)

    index("subscription")
    index("invoice")
