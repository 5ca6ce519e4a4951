"""What every answer tells browsers: believe the type, frame nothing, load nothing, keep nothing, tell nobody.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
"""

import base64
import hashlib
import re
from collections.abc import Collection, Mapping

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.origins import cors_headers

ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000"
"""A year: https://hstspreload.org. Not for other hosts of the domain, which are not ours to decide."""
_FOR_ANYBODY = frozenset({"/billing/plans", "/docs", "/openapi.json"})
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SWAGGER = "https://cdn.jsdelivr.net"


class ResponseHeaders:
    """Adds them to every answer, errors included; a header that a route sets itself stays."""

    def __init__(self, app: ASGIApp, origins: Collection[str], docs: tuple[str, str]) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._docs_path, self._docs_policy = docs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {**ALWAYS, **cors_headers(Headers(scope=scope).get("origin"), self._origins)}
        if scope["path"] == self._docs_path:
            headers["Content-Security-Policy"] = self._docs_policy
        if scope["path"] not in _FOR_ANYBODY:
            headers["Cache-Control"] = "no-store"
        if scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = HSTS

        async def send_shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in headers.items():
                    present.setdefault(name, value)
                present.add_vary_header("Origin")
            await send(message)

        await self._app(scope, receive, send_shielded)


def docs_policy(openapi_url: str, title: str) -> str:
    """What the page to try the API needs: Swagger UI's files, its one script in the page, and our own document."""
    page = bytes(get_swagger_ui_html(openapi_url=openapi_url, title=title).body).decode()
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _SCRIPT.findall(page)]
    scripts = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {_SWAGGER} {scripts}; style-src {_SWAGGER} 'unsafe-inline'; "
        "img-src 'self' data: https://fastapi.tiangolo.com; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
