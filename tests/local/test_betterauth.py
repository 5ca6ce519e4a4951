import re

import psycopg

from local import betterauth


def test_the_cookie_is_signed_as_better_auth_signs_it() -> None:
    """A token, secret and cookie that Better-Auth 1.7.25 itself made."""
    cookie = betterauth.session_cookie("GsY0yLBB4zLToarydunGqDwSx19Vnx5J", "x" * 32)
    assert cookie == (
        "better-auth.session_token=GsY0yLBB4zLToarydunGqDwSx19Vnx5J.D7bFuehqKQrV%2BtdYbMu2FcgVl9Rrwouo64aInEyk8Qk%3D"
    )


async def test_a_demo_user_keeps_id_and_session_from_run_to_run(database: str) -> None:
    first = betterauth.sign_in(database, name="Ada Lovelace", email="ada@example.com", secret="s")
    with psycopg.connect(database) as connection:
        connection.execute('update "session" set "expiresAt" = now() - interval \'1 day\'')

    again = betterauth.sign_in(database, name="Ada Lovelace", email="ada@example.com", secret="s")

    assert again == first
    assert re.fullmatch("[A-Za-z0-9]{32}", first.token)
    with psycopg.connect(database) as connection:
        live = connection.execute('select "userId" from "session" where "expiresAt" > now()').fetchall()
    assert live == [(first.id,)]


async def test_tables_that_are_there_stay_as_they_are(database: str) -> None:
    betterauth.sign_in(database, name="Ada Lovelace", email="ada@example.com", secret="s")
    betterauth.create_tables(database)
    with psycopg.connect(database) as connection:
        assert connection.execute('select count(*) from "user"').fetchone() == (1,)
