"""What all pages share: templates, rights, forms that count once, and words for what went wrong.

A page is registered by ``site.get(path, handler)`` and ``site.post(path, handler)``. A handler is a plain function of
the request (and of the form's fields for a POST) that answers ``site.page("template.html", …)`` or
``site.go(address)``. Templates extend ``layout.html`` and use the classes of ``style.css``.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ..protocol.errors import StripeError
from . import words

if TYPE_CHECKING:
    from ..world import World

HERE = Path(__file__).parent
Fields = dict[str, str]
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LONGEST_FORM, ANSWERS_KEPT = 20_000, 500
# No scripts and nothing from elsewhere. `form-action` is not limited: Chromium would apply it to the redirect to
# `success_url` as well, and that is anywhere.
RIGHTS = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": RIGHTS,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Site:
    def __init__(self, world: "World") -> None:
        self.world = world
        self.routes = [Route("/_pages/style.css", style)]
        self.answered: OrderedDict[str, Response] = OrderedDict()
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self.templates.filters.update(words.FILTERS)

    # registering

    def get(self, path: str, handler: Callable[[Request], Response]) -> None:
        async def answer(request: Request) -> Response:
            return self._stranger(request) or self._answered(lambda: handler(request))

        self.routes.append(Route(path, answer, methods=["GET"]))

    def post(self, path: str, handler: Callable[[Request, Fields], Response]) -> None:
        """A form with a ``once`` field is acted on once: a second click, with all the same, gets the first's answer."""

        async def answer(request: Request) -> Response:
            refusal = self._stranger(request) or _foreign(request)
            if refusal:
                return refusal
            body = await request.body()
            if len(body) > LONGEST_FORM:
                return Response("This form is too long.", 413)
            fields = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
            once = fields.pop("once", "")
            return self._once(once and hashlib.sha256(body).hexdigest(), lambda: handler(request, fields))

        self.routes.append(Route(path, answer, methods=["POST"]))

    # answering

    def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        once = self.world.new_id("form")
        text = self.templates.get_template(template).render(facts, once=once)
        return HTMLResponse(text, status, headers=HEADERS)

    def go(self, address: str) -> Response:
        return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})

    def message(self, title: str, text: str, status: int = 200, link: tuple[str, str] | None = None) -> Response:
        """A page that only says something; ``link`` is its words and its address."""
        return self.page("message.html", status, title=title, text=text, link=link)

    def _answered(self, act: Callable[[], Response]) -> Response:
        try:
            return act()
        except StripeError as refusal:
            missing = refusal.status == 404
            return self.message("Not found" if missing else "That did not work", str(refusal), refusal.status)

    def _once(self, key: str, act: Callable[[], Response]) -> Response:
        if key and key in self.answered:
            return self.answered[key]
        response = self._answered(act)
        if key:
            self.answered[key] = response
            while len(self.answered) > ANSWERS_KEPT:
                self.answered.popitem(last=False)
        return response

    def _stranger(self, request: Request) -> Response | None:
        """Only loopback names are answered: another site's DNS cannot be pointed here to read a page."""
        return None if request.url.hostname in LOOPBACK else Response("Unknown host.", 400)


def _foreign(request: Request) -> Response | None:
    """Another site's form is not ours (``Origin`` is sent with every form by every browser)."""
    origin = request.headers.get("origin")
    if origin is None or urlsplit(origin).netloc == request.headers.get("host"):
        return None
    return Response("This form came from another site.", 403)


async def style(_: Request) -> Response:
    text = (HERE / "style.css").read_text()
    return Response(text, media_type="text/css", headers={"Cache-Control": "no-cache"})
