"""One POST to a webhook endpoint: signed, answered or not, and noted (https://docs.stripe.com/webhooks)."""

import hashlib
import hmac
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from .webhook_faults import Disturbance
from .world import API_VERSION

TIMEOUT = 10.0
KEPT = 5000
RESPONSE_KEPT = 500


@dataclass(frozen=True)
class Attempt:
    at: float
    """By the real clock."""
    attempt: int
    endpoint: str
    event: str
    type: str
    status: int
    """0 without an answer; then there is an ``error``."""
    error: str | None
    response: str
    """The beginning of what the endpoint answered."""
    milliseconds: float
    faults: tuple[str, ...]
    """What disturbed it on purpose."""

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Attempts:
    """The latest attempts, in memory only."""

    def __init__(self) -> None:
        self.kept: deque[Attempt] = deque(maxlen=KEPT)

    def of(self, event: str | None = None, endpoint: str | None = None) -> list[Attempt]:
        """Oldest first."""
        return [one for one in self.kept if event in (None, one.event) and endpoint in (None, one.endpoint)]


def signature(secrets: list[str], payload: bytes, at: int) -> str:
    """One ``v1`` for each secret (two while one is rolled), and test mode's ``v0``, which proves nothing.

    https://docs.stripe.com/webhooks#verify-manually
    """
    signed = [_digest(secret, payload, at) for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={one}" for one in signed), f"v0={_digest('v0', payload, at)}"])


def _digest(secret: str, payload: bytes, at: int) -> str:
    return hmac.new(secret.encode(), b"%d.%s" % (at, payload), hashlib.sha256).hexdigest()


def secrets_of(endpoint: dict[str, Any], now: float) -> list[str]:
    """The signing secret, and the former one until it expires."""
    former = endpoint.get("_former_secret")
    return [endpoint["_secret"], *([former] if former and endpoint["_former_until"] > now else [])]


async def post(
    client: httpx.AsyncClient, url: str, payload: bytes, secrets: list[str], disturbed: Disturbance
) -> tuple[int, str | None, str]:
    """The status (0 without one), what went wrong, and the beginning of the answer."""
    if disturbed.version:
        ours, other = (b'"api_version":"%s"' % one.encode() for one in (API_VERSION, disturbed.version))
        payload = payload.replace(ours, other, 1)
    secrets = ["whsec_of_somebody_else"] if disturbed.badly_signed else secrets
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature(secrets, payload, int(time.time()) - disturbed.age),
    }
    try:
        answer = await client.post(url, content=payload, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        return 0, f"{type(failure).__name__}: {failure}", ""
    return answer.status_code, None, answer.text[:RESPONSE_KEPT]
