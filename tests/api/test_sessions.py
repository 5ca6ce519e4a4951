from collections.abc import Callable
from urllib.parse import quote

import pytest

from local import betterauth
from local.betterauth import SignedInUser, session_cookie, signed
from tests.api.conftest import AUTH_SECRET, Api, as_user, assert_problem

MINE = "/billing/subscriptions/me"
PLAIN = "better-auth.session_token"
SECURE = "__Secure-better-auth.session_token"


async def asked(api: Api, **headers: str) -> bool:
    """Whether these headers are a session: signed in, the answer is that there is no subscription."""
    response = await api.client.get(MINE, headers=headers)
    if response.status_code == 401:
        assert_problem(response, 401, "not_signed_in")
        assert response.headers["www-authenticate"].startswith("Bearer")
        return False
    assert_problem(response, 404, "no_subscription")
    return True


def tampered(value: str) -> str:
    return ("A" if value[0] != "A" else "B") + value[1:]


Credential = Callable[[SignedInUser], dict[str, str]]

ACCEPTED: dict[str, Credential] = {
    "cookie": lambda ada: {"Cookie": session_cookie(ada.token, AUTH_SECRET)},
    "cookie with the secure prefix": lambda ada: {"Cookie": "__Secure-" + session_cookie(ada.token, AUTH_SECRET)},
    "cookie among others": lambda ada: {"Cookie": f"a=b; {session_cookie(ada.token, AUTH_SECRET)}; c=d"},
    "secure cookie beside a stale plain one": lambda ada: {
        "Cookie": f"{PLAIN}=old; __Secure-{session_cookie(ada.token, AUTH_SECRET)}"
    },
    "raw bearer": lambda ada: {"Authorization": f"Bearer {ada.token}"},
    "signed bearer": lambda ada: {"Authorization": f"Bearer {signed(ada.token, AUTH_SECRET)}"},
    "signed bearer, percent-encoded": lambda ada: {"Authorization": f"bearer {quote(signed(ada.token, AUTH_SECRET))}"},
    "cookie beside another scheme": lambda ada: {
        "Authorization": "Basic YTpi",
        "Cookie": session_cookie(ada.token, AUTH_SECRET),
    },
}
REFUSED: dict[str, Credential] = {
    "nothing": lambda ada: {},
    "a token of nobody": lambda ada: {"Authorization": f"Bearer {betterauth.new_id()}"},
    "a token cut short": lambda ada: {"Authorization": f"Bearer {ada.token[:-1]}"},
    "a token and more": lambda ada: {"Authorization": f"Bearer {ada.token}' or '1'='1"},
    "an empty bearer": lambda ada: {"Authorization": "Bearer"},
    "an unsigned cookie": lambda ada: {"Cookie": f"{PLAIN}={ada.token}"},
    "a tampered token": lambda ada: {"Cookie": f"{PLAIN}={quote(tampered(signed(ada.token, AUTH_SECRET)))}"},
    "a signature of another secret": lambda ada: {"Cookie": session_cookie(ada.token, "guess")},
    "a signed bearer of another secret": lambda ada: {"Authorization": f"Bearer {signed(ada.token, 'guess')}"},
    "another prefix": lambda ada: {"Cookie": session_cookie(ada.token, AUTH_SECRET, prefix="other")},
    "a tampered secure cookie beside a good plain one": lambda ada: {
        "Cookie": f"{SECURE}=x.y; {session_cookie(ada.token, AUTH_SECRET)}"
    },
    "a bad bearer beside a good cookie": lambda ada: {
        "Authorization": "Bearer guess",
        "Cookie": session_cookie(ada.token, AUTH_SECRET),
    },
    "percent signs without end": lambda ada: {"Cookie": f"{PLAIN}=" + "%25" * 1000},
}


@pytest.mark.parametrize("credential", ACCEPTED.values(), ids=ACCEPTED)
async def test_a_live_session_is_let_in(shared_api: Api, member: SignedInUser, credential: Credential) -> None:
    assert await asked(shared_api, **credential(member))


@pytest.mark.parametrize("credential", REFUSED.values(), ids=REFUSED)
async def test_anything_else_is_not(shared_api: Api, member: SignedInUser, credential: Credential) -> None:
    assert not await asked(shared_api, **credential(member))


@pytest.mark.parametrize(
    ("change", "let_in"),
    [
        ("""update session set "expiresAt" = now() - interval '1 second'""", False),
        ("""delete from session""", False),
        ("""update "user" set banned = true""", False),
        ("""update "user" set banned = true, "banExpires" = now() + interval '1 hour'""", False),
        ("""update "user" set banned = true, "banExpires" = now() - interval '1 second'""", True),
        ("""update "user" set banned = null""", True),
    ],
)
async def test_a_session_ends_with_its_time_its_row_or_a_ban(
    api: Api, ada: SignedInUser, change: str, let_in: bool
) -> None:
    assert await asked(api, **as_user(ada))
    api.rows(change)

    assert await asked(api, **as_user(ada)) is let_in


async def test_a_read_costs_one_query_and_one_for_the_session(api: Api, ada: SignedInUser) -> None:
    api.statements.clear()

    await asked(api, **as_user(ada))

    measured = ("billing.events", "billing.reconciliations")  # by the API itself, in the background
    tables = [statement for statement, _ in api.statements if not any(name in statement for name in measured)]
    assert len(tables) == 2
    assert "public.session" in tables[0]
    assert "billing.subscriptions" in tables[1]
