"""The mailbox as a page and as JSON. Letters are untrusted: everything is escaped, and their HTML gets no rights."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from local.mailbox.catcher import Outage
from local.mailbox.letterbox import Caught, Letterbox

HERE = Path(__file__).parent
VIEWS = ("html", "text", "headers")
MOST_RECIPIENTS = 12
_PAGE_RIGHTS = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
# A letter may style itself and open a link in a new tab; no scripts, no requests, no forms, an origin of its own.
_LETTER_RIGHTS = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


class OutageWanted(BaseModel):
    """How long no letter is to be taken."""

    seconds: float = Field(ge=0, le=86_400)


@dataclass(frozen=True)
class Pages:
    """The pages over one letterbox."""

    letterbox: Letterbox
    outage: Outage
    templates: Environment

    async def index(self, request: Request) -> Response:
        """Newest first; ``?to=`` narrows it to one recipient."""
        recipient = request.query_params.get("to")
        recipients = self.letterbox.recipients()
        shown = recipients[:MOST_RECIPIENTS]
        if recipient and recipient not in shown:
            shown = [recipient, *shown]
        return self._page(
            "index.html",
            letters=self.letterbox.letters(recipient),
            recipient=recipient,
            recipients=shown if len(recipients) > 1 or recipient else [],
            hidden=max(0, len(recipients) - MOST_RECIPIENTS),
            outage=self.outage.seconds_left,
        )

    async def show(self, request: Request) -> Response:
        """One letter: as it looks, as plain text, or its headers."""
        letter = self._letter(request)
        wanted = request.query_params.get("view", "html" if letter.html else "text")
        return self._page("letter.html", letter=letter, view=wanted if wanted in VIEWS else "text", views=VIEWS)

    async def body(self, request: Request) -> Response:
        """The letter's own HTML, locked in: the policy holds also when it is opened outside of the frame."""
        rights = {"Content-Security-Policy": _LETTER_RIGHTS, "Referrer-Policy": "no-referrer"}
        return HTMLResponse(self._letter(request).html, headers=rights | _plain())

    async def messages(self, request: Request) -> Response:
        """For tests and the demo: newest first, ``?to=`` as on the page."""
        return JSONResponse([_as_json(one) for one in self.letterbox.letters(request.query_params.get("to"))])

    async def empty(self, request: Request) -> Response:
        """Throw all letters away."""
        self.letterbox.empty()
        return Response(status_code=204)

    async def play_outage(self, request: Request) -> Response:
        """Take no letter for a while. JSON only, so that no other site's form can reach it."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise HTTPException(415, "send application/json")
        try:
            wanted = OutageWanted.model_validate_json(await request.body())
        except ValidationError as error:
            raise HTTPException(422, "seconds: a number from 0 to 86400 is needed") from error
        self.outage.last(wanted.seconds)
        return JSONResponse({"seconds": wanted.seconds})

    def _letter(self, request: Request) -> Caught:
        letter = self.letterbox.letter(request.path_params["id"])
        if letter is None:
            raise HTTPException(404, "no such letter")
        return letter

    def _page(self, template: str, **facts: object) -> Response:
        rights = {"Content-Security-Policy": _PAGE_RIGHTS} | _plain()
        return HTMLResponse(self.templates.get_template(template).render(facts), headers=rights)


async def _style(request: Request) -> Response:
    return FileResponse(HERE / "style.css", media_type="text/css")


def create_app(letterbox: Letterbox, outage: Outage) -> Starlette:
    """The mailbox's pages. Only loopback names are answered: another site's DNS cannot be pointed here to read mail."""
    environment = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"moment": _moment, "travelled": _travelled, "query": urlencode}
    pages = Pages(letterbox, outage, environment)
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/letters/{id}", pages.show),
            Route("/letters/{id}/body", pages.body),
            Route("/api/messages", pages.messages, methods=["GET"]),
            Route("/api/messages", pages.empty, methods=["DELETE"]),
            Route("/api/outage", pages.play_outage, methods=["POST"]),
            Route("/style.css", _style),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])],
    )


def _plain() -> dict[str, str]:
    return {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def _as_json(letter: Caught) -> dict[str, object]:
    return {
        "id": letter.id,
        "message_id": letter.message_id,
        "to": list(letter.recipients),
        "subject": letter.subject,
        "received_at": letter.received_at.isoformat(),
        "dated": letter.dated.isoformat() if letter.dated else None,
        "repeat": letter.repeat,
        "text": letter.text,
    }


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b, %H:%M:%S}"


def _travelled(letter: Caught) -> str:
    """What the letter is dated, when its reader lives in another time than we do."""
    dated = letter.dated
    if dated is None or dated.tzinfo is None or abs(dated - letter.received_at) < timedelta(hours=1):
        return ""
    return f"{dated.day} {dated:%B %Y}"
