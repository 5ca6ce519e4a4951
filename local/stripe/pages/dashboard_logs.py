"""The latest calls of the API, with what was sent and what was answered."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..protocol.errors import missing
from .dashboard_frame import Dashboard, paged


def register(board: Dashboard) -> None:
    log = board.api.log

    def index(request: Request) -> Response:
        failed = request.query_params.get("failed") == "1"
        found = (one for one in log.newest() if not failed or not 200 <= one.status < 300)
        return board.show(request, "logs", "logs", pages=paged(request, found), failed=failed)

    def show(request: Request) -> Response:
        one = log.requests.get(request.path_params["id"])
        if one is None:
            raise missing("request", request.path_params["id"])
        return board.show(request, "logs", "log", one=one, text=_pretty(one.answer))

    board.site.get("/dashboard/logs", index)
    board.site.get("/dashboard/logs/{id}", show)


def _pretty(content: bytes) -> str:
    """JSON with line breaks; what was cut off stays as it is."""
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return content.decode(errors="replace")
