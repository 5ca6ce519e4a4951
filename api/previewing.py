"""What a customer was shown, signed, so that it can be asked for unchanged: same amount, or a clear no.

A preview costs no row: its token says whose it is, what was shown and of which state (RFC 7519, HS256).
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson

from api.problems import Problem
from lifecycle.plans import Terms
from lifecycle.refusals import Refusal, RefusalCode
from settings import Settings

VALID_FOR = timedelta(minutes=15)
_ALGORITHM = "HS256"
_SHOWN = (
    "stripe_subscription_id", "status", "plan", "interval", "amount", "quantity",
    "current_period_ends_at", "cancel_at", "planned_plan", "planned_interval", "planned_quantity", "planned_at",
)  # fmt: skip
"""What a preview depends on; when one of these changes, the preview is of the past."""


def sign(settings: Settings, user_id: str, row: Mapping[str, Any], terms: Terms, seats: int, at: datetime) -> str:
    """A token for moving this subscription to so many seats of this price with the proration of ``at``."""
    claims = {"sub": user_id, "iat": int(at.timestamp()), "to": _price(terms, seats), "of": _state(row)}
    return jwt.encode(claims, _key(settings), _ALGORITHM)


def proration_date(
    settings: Settings,
    token: str,
    user_id: str,
    row: Mapping[str, Any] | None,
    terms: Terms,
    seats: int,
    now: datetime,
) -> datetime:
    """The moment for which the customer was shown this very change; raises `Refusal` when it no longer holds."""
    try:
        claims = jwt.decode(
            token,
            _key(settings),
            [_ALGORITHM],
            options={"require": ["sub", "iat"], "verify_iat": False},  # by the customer's clock, below
        )
    except jwt.InvalidTokenError:
        reason = "is not a token of a preview"
        raise Problem(
            "invalid_request", f"preview_token: {reason}", errors=[{"field": "preview_token", "reason": reason}]
        ) from None
    at = datetime.fromtimestamp(claims["iat"], UTC)
    if claims["sub"] != user_id or claims.get("to") != _price(terms, seats):
        raise Refusal(RefusalCode.PREVIEW_STALE, "This preview is of another change; ask for a new one.")
    if not at <= now <= at + VALID_FOR:
        raise Refusal(RefusalCode.PREVIEW_STALE, "This preview is too old; ask for a new one.")
    if row is None or claims.get("of") != _state(row):
        raise Refusal(RefusalCode.PREVIEW_STALE, "The subscription has changed since; ask for a new preview.")
    return at


def _price(terms: Terms, seats: int) -> str:
    return f"{seats}/{terms.lookup_key}/{terms.amount}{terms.currency}"


def _state(row: Mapping[str, Any]) -> str:
    shown = orjson.dumps([row[name] for name in _SHOWN])
    return hashlib.sha256(shown).hexdigest()[:32]


def _key(settings: Settings) -> bytes:
    """A key of its own, so that nothing that Better-Auth signs can be taken for a preview."""
    return hmac.digest(settings.auth_secret.get_secret_value().encode(), b"perennial preview", "sha256")
