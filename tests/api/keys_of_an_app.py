"""An app that signs JWTs and publishes its keys, as Better-Auth's jwt plugin does."""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.api.conftest import serving


class App:
    """Keys with memory: how often they were asked for, and whether anybody answers."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0
        self.answers: bytes | None = None
        self.is_away = False
        self.keys: dict[str, Ed25519PrivateKey] = {}
        self.add_key("first")

    def add_key(self, kid: str) -> None:
        """Another key, beside the others."""
        self.keys[kid] = Ed25519PrivateKey.generate()

    def public(self, kid: str) -> dict[str, Any]:
        """A key as the set shows it."""
        shown = OKPAlgorithm.to_jwk(self.keys[kid].public_key(), as_dict=True)
        return {"alg": "EdDSA", "kid": kid} | shown

    def sign(self, user_id: str, kid: str = "first", *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A JWT as the app makes it; a claim that is None is left out."""
        now = int(time.time())
        said = {"iat": now, "exp": now + 900, "sub": user_id, "iss": self.url, "aud": self.url} | claims
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, self.keys[kid], algorithm="EdDSA", headers={"kid": kid} | (headers or {}))

    async def show(self, _: Request) -> Response:
        self.asked += 1
        if self.is_away:
            return Response(status_code=502)
        shown = {"keys": [self.public(kid) for kid in self.keys]}
        return Response(self.answers or json.dumps(shown), media_type="application/json")


@contextlib.asynccontextmanager
async def running_app() -> AsyncIterator[App]:
    """The app on loopback."""
    app = App()
    async with serving(Starlette(routes=[Route("/api/auth/jwks", app.show)])) as app.url:
        yield app
