"""Who is asking: sessions of Better-Auth, from its cookie or a Bearer token, looked up in PostgreSQL.

Every route names one of the policies here; `require_policies` refuses to start an API with a route that names none.
https://www.better-auth.com/docs/concepts/session-management, https://www.better-auth.com/docs/plugins/bearer
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.routing import iter_route_contexts

from api.parts import Parts, PartsIn
from api.problems import Problem
from database.administration import roles_of
from database.reading import session_owner

_TOKEN = re.compile(r"[A-Za-z0-9]{32}")
ADMINISTRATOR = "admin"
_SIGNED = re.compile(r"([A-Za-z0-9]{32})\.([A-Za-z0-9+/]{43}=)")


@dataclass(frozen=True)
class Caller:
    """The signed-in user."""

    user_id: str


async def signed_in(request: Request, parts: PartsIn) -> Caller:
    """The caller of a route for signed-in users; anything but a live session is 401."""
    token = _presented_token(request, parts)
    user_id = await session_owner(parts.engine, token) if token else None
    if user_id is None:
        await _count_stranger(request, parts)
        raise Problem("not_signed_in", "Sign in and send the session cookie or a Bearer token.")
    structlog.contextvars.bind_contextvars(user_id=user_id)
    await parts.rate_limits.admit(request.method, user_id)
    return Caller(user_id)


async def administrator(caller: Annotated[Caller, Depends(signed_in)], parts: PartsIn) -> Caller:
    """The caller of a route for administrators: who has Better-Auth's role ``admin`` at this moment; others get 403."""
    if ADMINISTRATOR not in await roles_of(parts.engine, caller.user_id):
        raise Problem("forbidden", "This needs the role admin.")
    return caller


async def anybody(request: Request, parts: PartsIn) -> None:
    """The policy of a route that shows nothing of anybody."""
    await parts.rate_limits.admit_anonymous(request)


async def whoever_runs_this() -> None:
    """The policy of probes: they show nothing of anybody either, and must always be answered."""


async def stripe_itself() -> None:
    """The policy of the webhook door: the signature in the request is the credential."""


CallerIn = Annotated[Caller, Depends(signed_in)]
AdministratorIn = Annotated[Caller, Depends(administrator)]
_POLICIES = (signed_in, administrator, anybody, whoever_runs_this, stripe_itself)


def require_policies(app: FastAPI) -> None:
    """Raise `RuntimeError` with the routes that do not say who may call them."""
    bare = [
        context.path
        for context in iter_route_contexts(app.routes)
        if context.include_in_schema and not any(call in _POLICIES for call in _calls(context.dependant))
    ]
    if bare:
        raise RuntimeError(f"routes without a policy: {bare}")


def verified_token(value: str, secret: str) -> str | None:
    """The token of a signed cookie value ``token.signature``, percent-encoded or not; None when it was tampered with.

    The signature is standard base64 of HMAC-SHA256 over the token with the secret as UTF-8.
    """
    match = _SIGNED.fullmatch(unquote(value))
    if match is None:
        return None
    token, signature = match.groups()
    digest = hmac.new(secret.encode(), token.encode(), hashlib.sha256).digest()
    return token if hmac.compare_digest(base64.b64encode(digest), signature.encode()) else None


async def _count_stranger(request: Request, parts: Parts) -> None:
    """A wrong credential is counted apart from none."""
    name = f"{parts.settings.auth_cookie_prefix}.session_token"
    if "authorization" in request.headers or {name, f"__Secure-{name}"} & request.cookies.keys():
        await parts.rate_limits.admit_failure(request)
    else:
        await parts.rate_limits.admit_anonymous(request)


def _presented_token(request: Request, parts: Parts) -> str | None:
    """A Bearer token when there is one, else the cookie, the ``__Secure-`` one first; never a second try."""
    secret = parts.settings.auth_secret.get_secret_value()
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        credential = credential.strip()
        return credential if _TOKEN.fullmatch(credential) else verified_token(credential, secret)
    name = f"{parts.settings.auth_cookie_prefix}.session_token"
    cookie = request.cookies.get(f"__Secure-{name}") or request.cookies.get(name)
    return verified_token(cookie, secret) if cookie else None


def _calls(dependant: Any) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)
