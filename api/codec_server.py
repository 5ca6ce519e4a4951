"""The codec server: lets Temporal's Web UI and CLI read encrypted payloads without giving Temporal a key.

A program of its own, beside the person who reads. It has the keys, keeps nothing, and talks to nobody.
https://docs.temporal.io/production-deployment/data-encryption#codec-server-setup
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Sequence

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload, Payloads

from settings import Settings
from workflows.encryption import CannotDecrypt, Encryption

MOST_BYTES = 16 * 1024 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Work = Callable[[Sequence[Payload]], Awaitable[list[Payload]]]


class NotSafe(ValueError):
    """The codec server would be open to strangers, or has no keys; the message says what is missing."""


def create_codec_server(settings: Settings, host: str) -> Starlette:
    """Whoever reaches it on this very machine may ask; from elsewhere only with the token. Raises `NotSafe`.

    A page of another origin is refused before anything is decrypted, so no web site can use a browser to ask.
    """
    if not settings.encryption_keys:
        raise NotSafe("There are no keys: set PERENNIAL_PAYLOAD_KEYS.")
    if host not in LOOPBACK and settings.codec_token is None:
        raise NotSafe("Beyond this machine it needs a token: set PERENNIAL_CODEC_TOKEN.")
    encryption = Encryption(settings.encryption_keys)

    async def decode(request: Request) -> Response:
        return await _answer(request, settings, lambda payloads: _readable(encryption, payloads))

    async def encode(request: Request) -> Response:
        return await _answer(request, settings, encryption.encode)

    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.codec_origins,
        allow_methods=["POST"],
        allow_headers=["content-type", "x-namespace", "authorization"],
        allow_credentials=True,
    )
    routes = [Route("/decode", decode, methods=["POST"]), Route("/encode", encode, methods=["POST"])]
    return Starlette(routes=routes, middleware=[cors])


async def _readable(encryption: Encryption, payloads: Sequence[Payload]) -> list[Payload]:
    """One whose key is gone is shown as it is; it must not hide the rest of a history."""
    shown = []
    for payload in payloads:
        try:
            shown.append(encryption.decrypted(payload))
        except CannotDecrypt:
            shown.append(payload)
    return shown


async def _answer(request: Request, settings: Settings, work: Work) -> Response:
    refused = _refusal(request, settings)
    if refused:
        return refused
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return _no(413, "too large")
    try:
        asked = json_format.Parse(bytes(body), Payloads())
    except (json_format.ParseError, UnicodeDecodeError):
        return _no(400, "not a list of payloads")
    done = Payloads(payloads=await work(asked.payloads))
    return JSONResponse(json.loads(json_format.MessageToJson(done)), headers={"Cache-Control": "no-store"})


def _refusal(request: Request, settings: Settings) -> Response | None:
    origin = request.headers.get("origin")
    if origin is not None and origin not in settings.codec_origins:
        return _no(403, "this origin is not among PERENNIAL_CODEC_ORIGINS")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _no(415, "send application/json")
    if settings.codec_token is not None:
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, b"Bearer " + settings.codec_token.get_secret_value().encode()):
            return _no(401, "show the token as Authorization: Bearer")
    return None


def _no(status: int, why: str) -> JSONResponse:
    return JSONResponse({"message": why}, status)
