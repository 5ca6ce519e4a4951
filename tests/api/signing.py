"""Stripe's events and signatures, made the way Stripe makes them."""

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

_numbers = itertools.count(1)


def signature(body: bytes, secret: str, at: float | None = None) -> str:
    """``t=…,v1=…`` over ``{t}.{body}``: https://docs.stripe.com/webhooks#verify-manually"""
    moment = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def event(
    kind: str = "invoice.paid", *, event_id: str | None = None, previous: dict[str, Any] | None = None, **thing: Any
) -> dict[str, Any]:
    """An event whose object has these fields."""
    return {
        "id": event_id or f"evt_{next(_numbers)}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "api_version": "2026-10-28.endive",
        "livemode": False,
        "data": {"object": {"id": "in_1", "object": kind.split(".")[0]} | thing, "previous_attributes": previous or {}},
    }


def signed(body: dict[str, Any] | bytes, secret: str = "whsec_new_secret", at: float | None = None) -> dict[str, Any]:
    """The arguments of a delivery: content and headers."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Stripe-Signature": signature(content, secret, at), "Content-Type": "application/json"}
    return {"content": content, "headers": headers}
