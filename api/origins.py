"""Which web pages may call: CORS for the ones we know, and no cookie taken from any other.

https://fetch.spec.whatwg.org/#http-cors-protocol,
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from collections.abc import Collection, Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem, answer
from production import origin_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing: RFC 9110 section 9.2.1."""
_OWN_PAGE = frozenset({"same-origin", "none"})
PREFLIGHT_SECONDS = 7200
"""As long as Chromium keeps it at most."""
_EXPOSED = "X-Request-Id, Retry-After, Location, Idempotency-Key, RateLimit, RateLimit-Policy"
_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Request-Id"
_ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"


class Origins:
    """Answers preflights of the pages we know, and refuses a write with a cookie from any other page."""

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            preflight = preflight_headers(headers.get("origin"), self._allowed)
            if preflight:
                await Response(status_code=204, headers=preflight)(scope, receive, send)
                return
        if scope["method"] not in SAFE and not is_from_our_page(headers, self._allowed):
            problem = Problem("origin_not_allowed", "A request with a cookie must come from a page of this product.")
            await answer(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_from_our_page(headers: Headers, allowed: Collection[str]) -> bool:
    """Whether a write may use its cookie, which a browser sends along whatever page asks.

    A Bearer token is not sent by itself. A native app sends none of the headers by which browsers tell the page.
    """
    if "cookie" not in headers or headers.get("authorization", "").partition(" ")[0].lower() == "bearer":
        return True
    if "origin" in headers:
        return _normal(headers["origin"]) in allowed
    if "referer" in headers:
        return _normal(headers["referer"]) in allowed
    return headers.get("sec-fetch-site", "none").lower() in _OWN_PAGE


def cors_headers(origin: str | None, allowed: Collection[str]) -> Mapping[str, str]:
    """What lets a page that we know read the answer; nothing for others."""
    if origin is None or _normal(origin) not in allowed:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": _EXPOSED,
    }


def preflight_headers(origin: str | None, allowed: Collection[str]) -> Mapping[str, str]:
    """The same for the question that comes before a write."""
    if origin is None or _normal(origin) not in allowed:
        return {}
    return {
        "Access-Control-Allow-Methods": _ALLOWED_METHODS,
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }


def _normal(url: str) -> str | None:
    try:
        return origin_of(url)
    except ValueError:  # "null" of a sandboxed page, and nonsense
        return None
