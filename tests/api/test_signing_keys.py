"""The keys that check JWTs: fetched when they are needed, kept while the app is away, never for ever."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from api.signing_keys import KeysAway, SigningKeys
from local.waiting import until
from tests.api.keys_of_an_app import App, running_app


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def app() -> AsyncIterator[App]:
    async with running_app() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def keys(app: App, clock: Clock) -> AsyncIterator[SigningKeys]:
    async with httpx.AsyncClient(timeout=3) as client:
        made = SigningKeys(client, f"{app.url}/api/auth/jwks", app.url, app.url, clock)
        yield made
        await made.close()


async def is_good(keys: SigningKeys, text: str) -> bool:
    claims = await keys.claims_of(text)
    return claims is not None and claims.user_id == "ada"


async def test_keys_are_asked_for_once(keys: SigningKeys, app: App, clock: Clock) -> None:
    for _ in range(3):
        assert await is_good(keys, app.sign("ada"))
        clock.now += 100

    assert app.asked == 1


async def test_a_new_key_is_learned_at_once_but_strange_names_make_us_ask_once_a_minute(
    keys: SigningKeys, app: App, clock: Clock
) -> None:
    assert await is_good(keys, app.sign("ada"))
    app.add_key("second")
    clock.now += 61
    assert await is_good(keys, app.sign("ada", "second"))
    app.add_key("third")

    for _ in range(5):
        assert not await is_good(keys, app.sign("ada", "third"))
    assert app.asked == 2
    clock.now += 60
    assert await is_good(keys, app.sign("ada", "third"))


async def test_a_key_that_was_withdrawn_is_forgotten(keys: SigningKeys, app: App, clock: Clock) -> None:
    text = app.sign("ada")
    assert await is_good(keys, text)
    del app.keys["first"]
    app.add_key("second")
    clock.now += 601

    async def is_refused() -> bool:
        return not await is_good(keys, text)

    await until(is_refused, within=10, what="the old key is honoured for ever")


async def test_old_keys_are_used_for_six_hours_while_the_app_is_away(keys: SigningKeys, app: App, clock: Clock) -> None:
    text = app.sign("ada", exp=4_000_000_000)
    assert await is_good(keys, text)
    app.is_away = True

    clock.now += 6 * 3600 - 1
    assert await is_good(keys, text)
    clock.now += 2
    with pytest.raises(KeysAway):
        await keys.claims_of(text)


async def test_before_the_first_answer_nobody_can_tell(keys: SigningKeys, app: App, clock: Clock) -> None:
    app.is_away = True
    for _ in range(3):
        with pytest.raises(KeysAway):
            await keys.claims_of(app.sign("ada"))
    assert app.asked == 1

    app.is_away = False
    clock.now += 5
    assert await is_good(keys, app.sign("ada"))


@pytest.mark.parametrize(
    "answer", [b"{", b"[]", b"null", b'{"keys": 7}', b'{"keys": [7]}', b" " * 70_000, b"[" * 50_000]
)
async def test_an_answer_that_is_no_set_of_keys(keys: SigningKeys, app: App, answer: bytes) -> None:
    app.answers = answer

    with pytest.raises(KeysAway):
        await keys.claims_of(app.sign("ada"))
