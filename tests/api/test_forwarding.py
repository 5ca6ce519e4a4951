"""A proxy's word on who asks is taken from the proxies that are named, and from nobody else."""

from typing import Any

import pytest
from starlette.types import Scope

from api.forwarding import Forwarding
from tests.api.conftest import assert_problem, make_settings, running_api

PROXIES = ("10.0.0.0/8", "2001:db8::/32", "127.0.0.1")
PROXY = "10.0.0.1"


async def seen(peer: str, proxies: tuple[str, ...] = PROXIES, **headers: str) -> tuple[str, str]:
    """Client and scheme, as everything behind sees them."""
    found: list[Scope] = []

    async def behind(scope: Scope, _: Any, __: Any) -> None:
        found.append(scope)

    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": (peer, 4711), "scheme": "http", "headers": lines}
    await Forwarding(behind, proxies)(scope, None, None)  # type: ignore[arg-type]
    return found[0]["client"][0], found[0]["scheme"]


@pytest.mark.parametrize(
    ("headers", "client", "scheme"),
    [
        ({}, PROXY, "http"),
        ({"x_forwarded_for": "8.8.8.8", "x_forwarded_proto": "https"}, "8.8.8.8", "https"),
        ({"x_forwarded_for": "8.8.8.8, 10.1.1.1"}, "8.8.8.8", "http"),
        ({"x_forwarded_for": "1.1.1.1, 8.8.8.8"}, "8.8.8.8", "http"),
        ({"x_forwarded_for": "1.1.1.1, 8.8.8.8, 10.9.9.9, 10.1.1.1"}, "8.8.8.8", "http"),
        ({"x_forwarded_for": "10.2.2.2, 10.1.1.1"}, "10.2.2.2", "http"),
        ({"x_forwarded_for": "8.8.8.8:5123"}, "8.8.8.8", "http"),
        ({"x_forwarded_for": "[2a00::1]:443"}, "2a00::1", "http"),
        ({"x_forwarded_for": "::ffff:8.8.8.8"}, "8.8.8.8", "http"),
        ({"x_forwarded_for": "8.8.8.8, unknown"}, PROXY, "http"),
        ({"x_forwarded_for": "nonsense"}, PROXY, "http"),
        ({"x_forwarded_for": ""}, PROXY, "http"),
        ({"x_forwarded_proto": "https"}, PROXY, "https"),
        ({"x_forwarded_proto": "gopher", "x_forwarded_for": "8.8.8.8"}, "8.8.8.8", "http"),
        ({"forwarded": "for=8.8.8.8;proto=https;by=10.0.0.1"}, "8.8.8.8", "https"),
        ({"forwarded": 'For="[2a00::1]:99";Proto=HTTPS, for=10.1.1.1'}, "2a00::1", "https"),
        ({"forwarded": "for=_hidden;proto=https"}, PROXY, "https"),
        ({"forwarded": 'for="unclosed'}, PROXY, "http"),
        ({"forwarded": "for=6.6.6.6", "x_forwarded_for": "8.8.8.8"}, PROXY, "http"),
        ({"forwarded": "for=8.8.8.8;proto=https", "x_forwarded_for": "8.8.8.8", "x_forwarded_proto": "https"},
         "8.8.8.8", "https"),
        ({"forwarded": "a" * 60_000 + ", for=8.8.8.8"}, "8.8.8.8", "http"),
        ({"x_forwarded_for": "," * 60_000 + "8.8.8.8"}, "8.8.8.8", "http"),
        ({"x_forwarded_for": "8.8.8.8, " + ", ".join(["10.1.1.1"] * 32)}, "10.1.1.1", "http"),
    ],
    ids=range(23),
)  # fmt: skip
async def test_what_a_proxy_of_ours_says(headers: dict[str, str], client: str, scheme: str) -> None:
    assert await seen(PROXY, **headers) == (client, scheme)


@pytest.mark.parametrize("peer", ["8.8.4.4", "11.0.0.1", "2001:db9::1", "not-an-address"])
async def test_what_anybody_else_says_is_hearsay(peer: str) -> None:
    told = {"x_forwarded_for": "1.2.3.4", "x_forwarded_proto": "https", "forwarded": "for=1.2.3.4;proto=https"}

    assert await seen(peer, **told) == (peer, "http")
    assert await seen(PROXY, proxies=(), **told) == (PROXY, "http")


async def test_strict_transport_is_promised_over_https_only(database: str) -> None:
    async with running_api(make_settings(database, trusted_proxies="127.0.0.1")) as api:
        plain = await api.client.get("/billing/plans")
        secure = await api.client.get("/billing/plans", headers={"X-Forwarded-Proto": "https"})

    assert "strict-transport-security" not in plain.headers
    assert secure.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_a_host_that_is_not_ours_is_not_served(database: str) -> None:
    hosts = "billing.example.com, *.internal.example"
    async with running_api(make_settings(database, trusted_hosts=hosts)) as api:

        async def status(host: str, path: str = "/billing/plans") -> int:
            return (await api.client.get(path, headers={"Host": host})).status_code

        for ours in ("billing.example.com", "BILLING.example.com:8443", "a.internal.example"):
            assert await status(ours) == 200, ours
        for theirs in ("evil.example", "billing.example.com.evil.example", "internal.example", "", "[::1]", "a@b"):
            assert await status(theirs) == 400, theirs
        assert await status("10.0.0.9:8000", "/healthz") == 200
        answer = await api.client.get("/billing/plans", headers={"Host": "evil.example"})
        assert_problem(answer, 400, "unknown_host")
        assert "evil" not in answer.text


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "Content-Type", "Origin"])
async def test_two_of_what_there_is_one_of_are_refused(shared_api: Any, name: str) -> None:
    headers = [(name.encode(), b"one"), (name.encode(), b"two")]

    assert_problem(await shared_api.client.get("/billing/plans", headers=headers), 400, "malformed_request")
