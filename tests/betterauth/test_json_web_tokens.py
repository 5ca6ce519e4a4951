"""JWTs that the real Better-Auth signed: good for reading, never for what needs the user in person."""

import pytest

from local.waiting import until
from tests.betterauth.conftest import Town

PORTAL = {"return_url": "https://app.example.com/"}
CARD = {"plan": "PRO", "interval": "month", "payment_method": "pm_1"}


async def test_a_jwt_reads_until_its_time_is_over(hasty_town: Town) -> None:
    ada = await hasty_town.citizen()
    headers = await ada.jwt()
    assert await hasty_town.status(headers) == 404

    async def is_refused() -> bool:
        return await hasty_town.status(headers) == 401

    await until(is_refused, within=15, what="the JWT is let in for ever")
    assert await hasty_town.status(await ada.jwt()) == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/billing/portal", PORTAL),
        ("POST", "/billing/subscriptions", CARD),
        ("PATCH", "/billing/subscriptions/plan", CARD),
        ("POST", "/billing/subscriptions/convert", {"payment_method": "pm_1"}),
        ("DELETE", "/billing/account", None),
        ("POST", "/billing/admin/users/ada/refunds", {}),
        ("POST", "/billing/admin/users/ada/trial", {"ends_at": None}),
        ("GET", "/billing/admin/users/ada/subscription", None),
        ("GET", "/billing/admin/users/ada/timeline", None),
        ("GET", "/billing/admin/users/ada/letters", None),
        ("GET", "/billing/admin/operations/00000000-0000-0000-0000-000000000000", None),
    ],
)
async def test_what_needs_the_user_in_person_is_refused_even_to_an_administrators_jwt(
    hasty_town: Town, method: str, path: str, body: dict[str, str] | None
) -> None:
    grace = await hasty_town.citizen("admin")

    answer = await hasty_town.api.client.request(method, path, json=body, headers=await grace.jwt())

    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")
    assert hasty_town.api.door.carried_out == []


async def test_what_brings_no_card_may_be_written(hasty_town: Town) -> None:
    ada = await hasty_town.citizen()
    hasty_town.api.subscribed(ada.id)

    assert await hasty_town.status(await ada.jwt(), "DELETE", "/billing/subscriptions") == 200
