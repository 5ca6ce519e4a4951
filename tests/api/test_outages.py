"""The API with its real lines outside, and nobody at the other end."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from api.app import create_app
from local.betterauth import SignedInUser
from tests.api.conftest import as_user, assert_problem, make_settings, serving
from tests.api.signing import event, signed

NOWHERE = "127.0.0.1:1"


@pytest_asyncio.fixture
async def lonely(database: str) -> AsyncIterator[httpx.AsyncClient]:
    """An API that starts while Temporal and Stripe are away."""
    settings = make_settings(database, temporal_address=NOWHERE, stripe_api_url=f"http://{NOWHERE}")
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


async def test_it_starts_reads_and_takes_webhooks_without_temporal(
    lonely: httpx.AsyncClient, ada: SignedInUser
) -> None:
    assert (await lonely.get("/healthz")).status_code == 200
    assert (await lonely.get("/billing/plans")).status_code == 200
    assert_problem(await lonely.get("/billing/subscriptions/me", headers=as_user(ada)), 404, "no_subscription")
    for _ in range(3):
        stored = await lonely.post("/billing/webhooks/stripe", **signed(event(metadata={"user_id": ada.id})))
        assert stored.status_code == 200
    ready = await lonely.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (503, {"postgres": "ok", "temporal": "down"})


async def test_writes_are_503_and_stripes_pages_too(lonely: httpx.AsyncClient, ada: SignedInUser) -> None:
    pages = {"success_url": "https://a.example/", "cancel_url": "https://a.example/"}
    plan = {"plan": "PRO", "interval": "month"}

    subscribed, opened = await asyncio.gather(
        lonely.post("/billing/subscriptions", json=plan, headers=as_user(ada, "my-key")),
        lonely.post("/billing/checkout", json=plan | pages, headers=as_user(ada)),
    )

    assert_problem(subscribed, 503, "temporarily_unavailable")
    assert_problem(opened, 503, "payment_provider_away")
    for response in (subscribed, opened):
        assert int(response.headers["retry-after"]) > 0
