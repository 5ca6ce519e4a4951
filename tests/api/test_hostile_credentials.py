"""Credentials of somebody who tries: each is turned away, none is an error of ours, none is written down."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from local.betterauth import SignedInUser, new_id, session_cookie, sign_in, signed
from tests.api.conftest import AUTH_SECRET, Api, make_settings, new_database, running_api
from tests.api.keys_of_an_app import App, running_app

MINE = "/billing/subscriptions/me"
COOKIE = "better-auth.session_token"
Headers = list[tuple[bytes, bytes]]


def text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(header: Any, payload: Any, signature: bytes = b"x") -> str:
    """A JWT put together by hand."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    return ".".join([*map(text, parts), text(signature)])


def claims(app: App, user: SignedInUser, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"sub": user.id, "iat": now, "exp": now + 900, "iss": app.url, "aud": app.url} | more


def confused(app: App, user: SignedInUser, secret: bytes) -> str:
    """HS256 with what everybody can read as the secret: RFC 8725 section 2.1."""
    head = ".".join(text(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "first"}, claims(app, user)))
    return f"{head}.{text(hmac.digest(secret, head.encode(), hashlib.sha256))}"


def public_bytes(app: App, encoding: serialization.Encoding, form: serialization.PublicFormat) -> bytes:
    return app.keys["first"].public_key().public_bytes(encoding, form)


def of_another_key(app: App, user: SignedInUser, **header: Any) -> str:
    """Signed by a key of the attacker's, under the name of a good one."""
    stranger = App()
    stranger.url = app.url
    return stranger.sign(user.id, headers=header)


def own_key() -> dict[str, Any]:
    stranger = App()
    stranger.keys["first"] = Ed25519PrivateKey.generate()
    return stranger.public("first")


PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
JWTS: dict[str, Callable[[App, SignedInUser], str]] = {
    "alg none": lambda app, ada: token({"alg": "none", "kid": "first"}, claims(app, ada)),
    "alg nOnE": lambda app, ada: token({"alg": "nOnE", "kid": "first"}, claims(app, ada)),
    "no alg": lambda app, ada: token({"kid": "first"}, claims(app, ada)),
    "alg of a list": lambda app, ada: token({"alg": ["EdDSA"], "kid": "first"}, claims(app, ada)),
    "HS256 with the public key as PEM": lambda app, ada: confused(app, ada, public_bytes(app, *PEM)),
    "HS256 with the public key as bytes": lambda app, ada: confused(app, ada, public_bytes(app, *RAW)),
    "HS256 with the key as it is shown": lambda app, ada: confused(app, ada, json.dumps(app.public("first")).encode()),
    "HS256 with nothing": lambda app, ada: confused(app, ada, b""),
    "HS256 with our own secret": lambda app, ada: confused(app, ada, AUTH_SECRET.encode()),
    "another's key under a good name": of_another_key,
    "its key brought along": lambda app, ada: of_another_key(app, ada, jwk=own_key()),
    "its keys elsewhere": lambda app, ada: of_another_key(app, ada, jku="http://127.0.0.1:1/jwks", x5u="file:///etc/x"),
    "no kid": lambda app, ada: token({"alg": "EdDSA"}, claims(app, ada)),
    "kid unknown": lambda app, ada: token({"alg": "EdDSA", "kid": "other"}, claims(app, ada)),
    "kid a path": lambda app, ada: token({"alg": "EdDSA", "kid": "../../../dev/null"}, claims(app, ada)),
    "kid SQL": lambda app, ada: token({"alg": "EdDSA", "kid": "x' union select 'k"}, claims(app, ada)),
    "kid a number": lambda app, ada: token({"alg": "EdDSA", "kid": 7}, claims(app, ada)),
    "kid an object": lambda app, ada: token({"alg": "EdDSA", "kid": {"$ne": None}}, claims(app, ada)),
    "no signature": lambda app, ada: token({"alg": "EdDSA", "kid": "first"}, claims(app, ada), b"\0"),
    "crit": lambda app, ada: of_another_key(app, ada, crit=["b64"], b64=False),
    "header deep": lambda app, ada: token(b"[" * 3000, claims(app, ada)),
    "header no object": lambda app, ada: token([1], claims(app, ada)),
    "header not JSON": lambda app, ada: token(b"\xff\xfe", claims(app, ada)),
    "header a great number": lambda app, ada: token(b'{"alg": ' + b"9" * 5000 + b"}", claims(app, ada)),
    "payload changed": lambda app, ada: swapped(app.sign(ada.id), claims(app, ada, sub="admin")),
    "cut short": lambda app, ada: app.sign(ada.id)[:-4],
    "over": lambda app, ada: app.sign(ada.id, exp=int(time.time()) - 1),
    "over, in words": lambda app, ada: app.sign(ada.id, exp="never"),
    "without an end": lambda app, ada: app.sign(ada.id, exp=None),
    "end infinite": lambda app, ada: app.sign(ada.id, exp=float("inf")),
    "issued tomorrow": lambda app, ada: app.sign(ada.id, iat=int(time.time()) + 86_400),
    "issued never": lambda app, ada: app.sign(ada.id, iat=None),
    "not yet": lambda app, ada: app.sign(ada.id, nbf=int(time.time()) + 86_400),
    "of another issuer": lambda app, ada: app.sign(ada.id, iss="https://evil.example"),
    "of no issuer": lambda app, ada: app.sign(ada.id, iss=None),
    "for another audience": lambda app, ada: app.sign(ada.id, aud="https://other.example"),
    "for nobody": lambda app, ada: app.sign(ada.id, aud=None),
    "of no subject": lambda app, ada: app.sign(ada.id, sub=None),
    "of nobody": lambda app, ada: app.sign("nobody"),
    "of an empty name": lambda app, ada: app.sign(""),
    "of a name with NUL": lambda app, ada: app.sign("ada\0"),
    "of half a character": lambda app, ada: app.sign("\ud800"),
    "five parts": lambda app, ada: app.sign(ada.id) + ".x.y",
}


def swapped(good: str, payload: dict[str, Any]) -> str:
    head, _, signature = good.split(".")
    return f"{head}.{text(json.dumps(payload).encode())}.{signature}"


def bearer(value: str | bytes) -> Headers:
    return [(b"Authorization", b"Bearer " + (value if isinstance(value, bytes) else value.encode()))]


def cookie(value: str | bytes, name: str = COOKIE) -> Headers:
    return [(b"Cookie", f"{name}=".encode() + (value if isinstance(value, bytes) else value.encode()))]


REQUESTS: dict[str, Callable[[SignedInUser], Headers]] = {
    "raw, cut short": lambda ada: bearer(ada.token[:-1]),
    "raw, too long": lambda ada: bearer(ada.token + "A"),
    "raw, a newline encoded": lambda ada: bearer(ada.token + "%0a"),
    "raw, other letters": lambda ada: bearer(ada.token[:-1] + "é"),
    "raw, digits of another script": lambda ada: bearer("\u0661" * 32),
    "raw, bytes that are no text": lambda ada: bearer(b"\xff" * 32),
    "SQL": lambda ada: bearer("' or '1'='1' --"),
    "SQL of a token's length": lambda ada: bearer("' or 1=1 or token like '%' -- xxx"),
    "a key of Redis's": lambda ada: bearer(f"active-sessions-{ada.id}"),
    "a glob": lambda ada: bearer("*" * 32),
    "a dot alone": lambda ada: bearer("."),
    "signature empty": lambda ada: bearer(f"{ada.token}."),
    "signature of another": lambda ada: bearer(signed(ada.token, "guess")),
    "signature of another token": lambda ada: bearer(f"{ada.token}.{signed(new_id(), AUTH_SECRET).partition('.')[2]}"),
    "signature without padding": lambda ada: bearer(signed(ada.token, AUTH_SECRET).rstrip("=")),
    "signature encoded twice": lambda ada: cookie(quote(quote(signed(ada.token, AUTH_SECRET), safe=""), safe="")),
    "signature in hex": lambda ada: bearer(
        f"{ada.token}.{hmac.new(AUTH_SECRET.encode(), ada.token.encode(), 'sha256').hexdigest()}"
    ),
    "percent bomb": lambda ada: cookie("%25" * 1500),
    "percent and no digits": lambda ada: cookie("%zz%"),
    "percent NUL": lambda ada: cookie(f"{ada.token}%00.{'A' * 43}="),
    "an empty cookie": lambda ada: cookie(""),
    "an empty secure cookie beside a good one": lambda ada: [
        (b"Cookie", f"__Secure-{COOKIE}=; {session_cookie(ada.token, AUTH_SECRET)}".encode())
    ],
    "two cookies that differ": lambda ada: [
        (b"Cookie", f"{session_cookie(ada.token, AUTH_SECRET)}; {COOKIE}=planted".encode())
    ],
    "two cookies in two headers": lambda ada: [*cookie("planted"), *cookie(quote(signed(ada.token, AUTH_SECRET)))],
    "two authorizations": lambda ada: [*bearer(ada.token), *bearer(ada.token)],
    "a bad bearer after another scheme": lambda ada: [(b"Authorization", b"Basic YTpi"), *bearer(ada.token)],
    "two in one": lambda ada: bearer(f"{ada.token}, Bearer {ada.token}"),
    "a bad bearer beside a good cookie": lambda ada: [
        *bearer("guess"),
        (b"Cookie", session_cookie(ada.token, AUTH_SECRET).encode()),
    ],
    "an API key of nobody": lambda ada: [*bearer("prnl_" + "A" * 43), (b"X-On-Behalf-Of", ada.id.encode())],
    "an API key cut short": lambda ada: bearer("prnl_" + "A" * 42),
    "acting for a user without a key": lambda ada: [(b"X-On-Behalf-Of", ada.id.encode())],
    "9 kB": lambda ada: bearer("A" * 9000),
    "9 kB of dots": lambda ada: bearer("a." * 4500),
    "8 kB of cookies": lambda ada: [(b"Cookie", b"; ".join(b"%s=%d" % (COOKIE.encode(), n) for n in range(250)))],
}


@pytest_asyncio.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with running_app() as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def besieged(postgres_url: str, migrated_template: str, redis_url: str, app: App) -> AsyncIterator[Api]:
    """An API that lets in everything there is: sessions here and there, JWTs, keys; and remembers who was let in."""
    async with new_database(postgres_url, migrated_template) as url:
        settings = make_settings(url, redis_url=redis_url, auth_url=app.url, auth_cache_seconds=5)
        async with running_api(settings) as api:
            yield api


@pytest.fixture
def victim(besieged: Api, app: App) -> SignedInUser:
    return sign_in(besieged.database, name="Ada", email="ada@example.com", secret=AUTH_SECRET, role="admin")


async def assert_turned_away(api: Api, headers: Headers, capsys: pytest.CaptureFixture[str]) -> None:
    asked = (("GET", MINE), ("DELETE", "/billing/subscriptions"), ("GET", "/billing/admin/users/x/letters"))
    for method, path in asked:
        answer = await api.client.request(method, path, headers=headers)
        assert answer.status_code in {400, 401, 403}, (method, path, answer.text)
    written = "".join(capsys.readouterr())
    for _, value in headers:
        secret = value.partition(b"=")[2] or value.partition(b" ")[2]
        assert len(secret) < 8 or secret.decode("latin-1") not in written
    assert api.door.carried_out == []


@pytest.mark.parametrize("make", JWTS.values(), ids=JWTS)
async def test_a_jwt_that_somebody_made_up(
    besieged: Api, app: App, victim: SignedInUser, capsys: pytest.CaptureFixture[str], make: Any
) -> None:
    assert (await besieged.client.get(MINE, headers=bearer(app.sign(victim.id)))).status_code == 404
    capsys.readouterr()

    await assert_turned_away(besieged, bearer(make(app, victim)), capsys)


@pytest.mark.parametrize("make", REQUESTS.values(), ids=REQUESTS)
async def test_a_session_that_somebody_made_up(
    besieged: Api, victim: SignedInUser, capsys: pytest.CaptureFixture[str], make: Any
) -> None:
    assert (await besieged.client.get(MINE, headers=bearer(victim.token))).status_code == 404
    capsys.readouterr()

    await assert_turned_away(besieged, make(victim), capsys)


@pytest.mark.parametrize("size", [20_000, 70_000, 300_000])
@pytest.mark.parametrize("name", [b"Authorization", b"Cookie", b"X-On-Behalf-Of"])
async def test_headers_beyond_all_measure(besieged: Api, name: bytes, size: int) -> None:
    answer = await besieged.client.get(MINE, headers=[(name, b"Bearer " + b"A" * size)])

    assert answer.status_code in {400, 401, 403, 431}
