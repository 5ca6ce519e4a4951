"""The OpenAPI document: what every route may answer, with examples, and how to sign in."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import KINDS, MEDIA_TYPE, Problem

DESCRIPTION = """\
Subscriptions for the users of your product, billed by Stripe.

Every write takes an `Idempotency-Key`. A write answers when its outcome is known; when that takes longer than the
server waits, it answers `202` with the address of the operation to ask again. Errors are
[problem details](https://www.rfc-editor.org/rfc/rfc9457) with a stable `code`. Amounts are whole numbers of minor
units (cents), times are UTC.
"""
TAGS = [
    {"name": "Plans", "description": "What can be subscribed to."},
    {"name": "Subscriptions", "description": "The caller's own subscription."},
    {"name": "Entitlements", "description": "What the caller may do in the product, by the caller's own clock."},
    {
        "name": "Projects",
        "description": "What a project's members may do, on the plan of its owner. To everybody else it is 404.",
    },
    {"name": "Stripe's pages", "description": "Checkout and the customer portal."},
    {"name": "Operations", "description": "Writes that took longer than their request."},
    {"name": "Account", "description": "Everything that is held on the caller: to read, and to be forgotten."},
    {"name": "Administration", "description": "For Better-Auth's roles `admin` and `support`; others are told 403."},
    {"name": "Webhooks", "description": "What Stripe sends."},
    {"name": "Health", "description": "For whoever runs this."},
]
SECURITY_SCHEMES = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "better-auth.session_token",
        "description": "Better-Auth's signed session cookie (`__Secure-` in front on https).",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The session token, signed or raw; or a JWT of Better-Auth's, which is not enough where a "
        "session is required; or an API key (`prnl_…`) with the user's id in `X-On-Behalf-Of`.",
    },
    "stripe": {
        "type": "apiKey",
        "in": "header",
        "name": "Stripe-Signature",
        "description": "https://docs.stripe.com/webhooks#verify-events",
    },
}
OF_A_CALLER: list[dict[str, list[str]]] = [{"session": []}, {"bearer": []}]

_PROBLEM_SCHEMA = {
    "type": "object",
    "title": "Problem",
    "description": "Problem details, RFC 9457. `code` is stable; `detail` is a sentence for people.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {
            "type": "string",
            "description": "For `payment_declined` one of "
            "[Stripe's decline codes](https://docs.stripe.com/declines/codes), else one of: "
            + ", ".join(f"`{kind}`" for kind in KINDS),
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
        "required_action": {
            "type": "object",
            "description": "How the customer confirms the payment: open `url`, or hand `client_secret` to Stripe.js.",
            "properties": {
                "code": {"type": "string"},
                "url": {"type": ["string", "null"]},
                "client_secret": {"type": ["string", "null"]},
            },
        },
    },
}
_HEADERS = {
    401: {"WWW-Authenticate": "How to sign in."},
    405: {"Allow": "The methods there are."},
    429: {
        "Retry-After": "Seconds until it is worth trying again.",
        "RateLimit": "The limit that was reached, what remains of it, and for how many seconds.",
        "RateLimit-Policy": "The limit: how many in how many seconds.",
    },
    503: {"Retry-After": "Seconds until it is worth trying again."},
}

Responses = dict[int | str, dict[str, Any]]


def problems(*kinds: str) -> Responses:
    """The ``responses`` of a route for these kinds of problems, one example each."""
    responses: Responses = {}
    for kind in dict.fromkeys(kinds):
        status = KINDS[kind].status
        response = responses.setdefault(
            status,
            {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}},
        )
        if status in _HEADERS:
            response["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS[status].items()
            }
        response["description"] = " · ".join(filter(None, [response["description"], KINDS[kind].title]))
        response["content"][MEDIA_TYPE].setdefault("examples", {})[kind] = {"value": Problem(kind).body()}
    return responses


ANYBODY = ("malformed_request", "unknown_host", "invalid_request", "rate_limited", "internal_error")
READS = (*ANYBODY, "not_signed_in", "forbidden", "temporarily_unavailable")
WRITES = (
    *READS,
    "origin_not_allowed",
    "idempotency_key_reused",
    "request_in_flight",
    "payment_provider_refused",
    "payment_provider_away",
)
WITH_BODY = ("malformed_json", "malformed_request", "request_timeout", "body_too_large", "unsupported_media_type")


def answers_with(description: str, model: type[Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A successful response of ``responses``."""
    response: dict[str, Any] = {"description": description, "model": model}
    if headers:
        response["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
        }
    return response


def write_contract(app: FastAPI) -> dict[str, Any]:
    """The document, made once: FastAPI's own with our problem schema and the ways to sign in."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = _PROBLEM_SCHEMA
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        components["securitySchemes"] = SECURITY_SCHEMES
        app.openapi_schema = document
    return app.openapi_schema
