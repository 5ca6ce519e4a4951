# ruff: noqa: F811  a fixture of another file
"""A request that was answered is answered the same under its key, whatever has changed since."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lifecycle import intents
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user
from tests.api.test_admin import grace  # noqa: F401  fixtures

PAGES = {"success_url": "https://app.example.com/done", "cancel_url": "https://app.example.com/plans"}


async def test_what_would_be_refused_by_now_is_answered_as_it_was(
    api: Api,
    ada: SignedInUser,
    bob: SignedInUser,
    grace: SignedInUser,
) -> None:
    def save(user_id: str, request: intents.Request) -> None:
        api.subscribed(user_id, status="trialing")
        api.rows(
            """update billing.operations set status = 'succeeded', result = '{"result": "done"}' where id = %s""",
            request.operation_id,
        )

    api.door.meanwhile = save
    api.subscribed(ada.id, status="trialing")
    now = datetime.now(UTC)
    wishes = [
        ("/billing/checkout", {"plan": "PRO", "interval": "month", "currency": "usd", **PAGES}, bob),
        ("/billing/subscriptions", {"plan": "BASIC", "interval": "month"}, bob),
        (f"/billing/admin/users/{ada.id}/trial", {"ends_at": (now + timedelta(days=2)).isoformat()}, grace),
    ]

    async def answers() -> list[tuple[int, Any]]:
        told = [
            await api.client.post(path, json=body, headers=as_user(user, f"key-{number}"))
            for number, (path, body, user) in enumerate(wishes)
        ]
        return [(answer.status_code, answer.json()) for answer in told]

    first = await answers()
    assert [status for status, _ in first] == [201, 201, 200], first
    api.now[:] = [now + timedelta(days=3)]
    for user in (ada, bob):
        api.rows(
            "insert into billing.customers (user_id, currency) values (%s, 'eur') "
            "on conflict (user_id) do update set currency = 'eur'",
            user.id,
        )

    assert await answers() == first
