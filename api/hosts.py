"""For whom a request is, and that it can be read in one way only."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem, answer

PROBES = frozenset({"/healthz", "/readyz"})
"""Asked by address, not by name, by whoever runs this; they show nothing of anybody."""
_ONCE = ("host", "authorization", "content-type", "content-length", "idempotency-key", "origin", "stripe-signature")


class Hosts:
    """Refuses a request for a host that is not ours, or with two of what there can be one of.

    A wrong Host poisons caches and links; of two headers a proxy may read the first and we the last
    (RFC 9110 section 5.3).
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._exact = {host.lower() for host in hosts if not host.startswith("*.")}
        self._below = tuple(host[1:].lower() for host in hosts if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await answer(problem)(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        for name in _ONCE:
            if len(headers.getlist(name)) > 1:
                return Problem("malformed_request", f"There are several {name} headers.")
        if scope["path"] not in PROBES and not self._is_ours(headers.get("host", "")):
            return Problem("unknown_host", "This host is not served here.")
        return None

    def _is_ours(self, host: str) -> bool:
        if not self._exact and not self._below:
            return True
        name = host.lower()
        name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
        return name in self._exact or name.endswith(self._below or ("\0",))
