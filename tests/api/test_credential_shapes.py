"""Whatever stands in the headers, it is a credential or none; it is never an error, and never a token nobody signed."""

from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request

from api.credentials import JsonWebToken, PresentedKey, SessionToken, presented
from local.betterauth import signed
from settings import Settings
from tests.api.conftest import AUTH_SECRET, make_settings

SETTINGS: Settings = make_settings("postgresql://nobody@127.0.0.1/none")
TOKEN = "GsY0yLBB4zLToarydunGqDwSx19Vnx5J"
GOOD = signed(TOKEN, AUTH_SECRET)
NAMES = st.sampled_from([b"authorization", b"cookie", b"x-on-behalf-of"])
PIECES = st.one_of(
    st.sampled_from(["Bearer ", "bearer\t", "better-auth.session_token=", "__Secure-", "prnl_", "A" * 43]),
    st.sampled_from([TOKEN, GOOD, quote(GOOD), "eyJhbGciOiJub25lIn0.e30."]),
    st.sampled_from([".", "=", ";", "; ", "%", "%00", '"', ",", " ", "\u00ff", "'"]),
)
TEXTS = st.lists(PIECES, max_size=8).map(lambda found: "".join(found).encode("latin-1"))
VALUES = st.one_of(st.binary(max_size=200), TEXTS)


def of(*headers: tuple[bytes, bytes]) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "headers": list(headers)})


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4))
@example([(b"cookie", b"better-auth.session_token=" + GOOD.encode())])
def test_headers_are_a_credential_or_none(headers: list[tuple[bytes, bytes]]) -> None:
    match presented(of(*headers), SETTINGS):
        case None:
            pass
        case SessionToken(token):
            assert token.isascii()
            assert token.isalnum()
            assert len(token) == 32
        case PresentedKey(digest, user):
            assert len(digest) == 64
            assert user is None or user.isprintable()
        case JsonWebToken(text):
            assert text.count(".") == 2


@given(st.integers(0, len(GOOD) - 1), st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=";%"))
def test_one_changed_character_of_a_signed_cookie_is_none(place: int, other: str) -> None:
    changed = GOOD[:place] + other + GOOD[place + 1 :]
    found = presented(of((b"cookie", f"better-auth.session_token={changed}".encode())), SETTINGS)

    assert found == (SessionToken(TOKEN) if changed == GOOD else None)
