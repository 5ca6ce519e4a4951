"""What a request presents to be let in: one credential, recognised by its shape before anything is looked up.

https://www.better-auth.com/docs/concepts/cookies, https://www.better-auth.com/docs/plugins/bearer
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from fastapi import Request

from database.api_keys import PREFIX, digest_of
from settings import Settings

LONGEST = 8192
"""Characters; a JWT of Better-Auth's carries the whole user."""
ON_BEHALF_OF = "X-On-Behalf-Of"

_TOKEN = re.compile(r"[A-Za-z0-9]{32}")
_SIGNED = re.compile(r"([A-Za-z0-9]{32})\.([A-Za-z0-9+/]{43}=)")
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_API_KEY = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
_USER_ID = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class SessionToken:
    """The token of a session; its signature, if it had one, fits."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class JsonWebToken:
    """Something of a JWT's shape; nothing of it is believed yet."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class PresentedKey:
    """A key of a server's, as it would be kept, and the user it acts for."""

    digest: str = field(repr=False)
    on_behalf_of: str | None


Credential = SessionToken | JsonWebToken | PresentedKey


def presented(request: Request, settings: Settings) -> Credential | None:
    """The credential of a request: a Bearer when there is one, else the cookie, the ``__Secure-`` one first.

    None when there is none or it cannot be one. There is never a second try with another: a bad Bearer beside a good
    cookie is bad, and so are two that differ.
    """
    secrets = [secret.get_secret_value() for secret in (settings.auth_secret, *settings.auth_previous_secrets)]
    authorizations = request.headers.getlist("authorization")
    if any(value.partition(" ")[0].lower() == "bearer" for value in authorizations):
        return _of_bearer(request, authorizations, secrets)
    name = f"{settings.auth_cookie_prefix}.session_token"
    cookies = dict.fromkeys(_cookies(request, f"__Secure-{name}")) or dict.fromkeys(_cookies(request, name))
    if len(cookies) != 1:
        return None
    token = verified_token(next(iter(cookies)), *secrets)
    return SessionToken(token) if token else None


def verified_token(value: str, *secrets: str) -> str | None:
    """The token of a signed value ``token.signature``, percent-encoded or not; None when it was tampered with.

    The signature is standard base64 of HMAC-SHA256 over the token with the secret as UTF-8. Several secrets are good
    while one is being changed; all are tried, so that the time it takes says nothing.
    """
    match = _SIGNED.fullmatch(unquote(value[:LONGEST]))
    if match is None:
        return None
    token, signature = match.groups()
    fits = [hmac.compare_digest(_signature(token, secret), signature.encode()) for secret in secrets]
    return token if any(fits) else None


def _of_bearer(request: Request, authorizations: Sequence[str], secrets: Sequence[str]) -> Credential | None:
    value = authorizations[0].partition(" ")[2].strip()
    if len(authorizations) > 1 or len(value) > LONGEST:
        return None
    if _TOKEN.fullmatch(value):
        return SessionToken(value)
    if _API_KEY.fullmatch(value):
        return PresentedKey(digest_of(value), _on_behalf_of(request))
    if _JWT.fullmatch(value):
        return JsonWebToken(value)
    token = verified_token(value, *secrets)
    return SessionToken(token) if token else None


def _on_behalf_of(request: Request) -> str | None:
    named = request.headers.getlist(ON_BEHALF_OF)
    return named[0] if len(named) == 1 and _USER_ID.fullmatch(named[0]) else None


def _cookies(request: Request, name: str) -> Iterator[str]:
    """Every value under a name, in all ``Cookie`` headers: HTTP/2 may split them, a neighbour may plant a second."""
    for header in request.headers.getlist("cookie"):
        for pair in header.split(";"):
            key, _, value = pair.partition("=")
            if key.strip() == name:
                yield value.strip().strip('"')


def _signature(token: str, secret: str) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode(), token.encode(), hashlib.sha256))
