"""Every error that the API answers: RFC 9457 problem details. This module alone knows HTTP status codes of errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:perennial:problem:"
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True)
class Kind:
    """One kind of problem: its status and the title that never changes."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    "malformed_json": Kind(400, "The body is not JSON"),
    "malformed_request": Kind(400, "The request cannot be read"),
    "bad_signature": Kind(400, "The signature does not fit"),
    "stale_signature": Kind(400, "The signature is too old or from the future"),
    "unknown_host": Kind(400, "The host is not served here"),
    "malformed_event": Kind(400, "The body is not a Stripe event"),
    "not_signed_in": Kind(401, "A session is needed"),
    "payment_declined": Kind(402, "The payment was declined"),
    "action_required": Kind(402, "The payment must be confirmed"),
    "forbidden": Kind(403, "Not allowed"),
    "session_required": Kind(403, "The user's own session is needed"),
    "origin_not_allowed": Kind(403, "Not from this page"),
    "limit_reached": Kind(403, "The plan has no room for it"),
    "not_found": Kind(404, "Not found"),
    "no_subscription": Kind(404, "There is no subscription"),
    "no_customer": Kind(404, "There is no customer yet"),
    "unknown_invoice": Kind(404, "There is no such invoice"),
    "method_not_allowed": Kind(405, "The method is not allowed here"),
    "request_timeout": Kind(408, "The body did not arrive in time"),
    "already_subscribed": Kind(409, "There is a subscription already"),
    "payment_incomplete": Kind(409, "The first payment is open"),
    "same_plan": Kind(409, "The plan is the same"),
    "preview_stale": Kind(409, "The preview no longer holds"),
    "past_due": Kind(409, "An invoice is open"),
    "cancellation_scheduled": Kind(409, "A cancellation is scheduled"),
    "already_canceling": Kind(409, "A cancellation is scheduled already"),
    "not_canceling": Kind(409, "No cancellation is scheduled"),
    "paused": Kind(409, "The subscription is paused"),
    "request_in_flight": Kind(409, "A request with this key is being worked on"),
    "not_trialing": Kind(409, "There is no trial"),
    "nothing_to_refund": Kind(409, "There is nothing to refund"),
    "payment_disputed": Kind(409, "The payment is disputed"),
    "currency_locked": Kind(409, "The customer is charged in another currency"),
    "policy_unchanged": Kind(409, "The rules are those of today already"),
    "kept_elsewhere": Kind(409, "Projects are kept elsewhere"),
    "trial_already_used": Kind(409, "The trial was used already"),
    "body_too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The body must be JSON"),
    "invalid_request": Kind(422, "A field is wrong"),
    "unknown_plan": Kind(422, "There is no such plan"),
    "unknown_entitlement": Kind(422, "No plan knows that feature or limit"),
    "currency_not_offered": Kind(422, "The plan is not sold in that currency"),
    "trial_too_long": Kind(422, "The trial is too long"),
    "payment_method_required": Kind(422, "A payment method is needed"),
    "payment_method_invalid": Kind(422, "The payment method cannot be used"),
    "promotion_code_invalid": Kind(422, "The promotion code cannot be used"),
    "quantity_too_large": Kind(422, "The plan is not sold in that quantity"),
    "tax_location_required": Kind(422, "An address is needed to calculate tax"),
    "refund_too_large": Kind(422, "The refund is too large"),
    "idempotency_key_reused": Kind(422, "The Idempotency-Key was used for another request"),
    "rate_limited": Kind(429, "Too many requests"),
    "internal_error": Kind(500, "Something went wrong"),
    "payment_provider_refused": Kind(502, "The payment provider refused"),
    "temporarily_unavailable": Kind(503, "Not available right now"),
    "payment_provider_away": Kind(503, "The payment provider does not answer"),
}


class Problem(Exception):
    """An answer that is an error: a kind, a sentence for people, and what programs need besides.

    ``code`` differs from ``kind`` only for declined payments, where it is Stripe's decline code.
    """

    def __init__(
        self,
        kind: str,
        detail: str | None = None,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        **more: Any,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.code = code or kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = list(errors)
        self.more = more

    @property
    def status(self) -> int:
        return KINDS[self.kind].status

    def body(self) -> dict[str, Any]:
        """https://www.rfc-editor.org/rfc/rfc9457#section-3"""
        kind = KINDS[self.kind]
        members = {
            "type": TYPE_PREFIX + self.kind,
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            "code": self.code,
            "errors": self.errors or None,
            **self.more,
        }
        return {name: value for name, value in members.items() if value is not None}


def answer(problem: Problem) -> JSONResponse:
    """The response of a problem; 401 says how to sign in, 503 when to come back."""
    headers = dict(problem.headers)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="billing"')
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    if problem.kind == "request_in_flight":
        headers.setdefault("Retry-After", "1")
    return JSONResponse(problem.body(), problem.status, headers, media_type=MEDIA_TYPE)


async def answer_problem(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    return answer(problem)


async def answer_invalid(_: Request, error: Exception) -> JSONResponse:
    """Say which field and why, and never repeat what was sent."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return answer(Problem("malformed_json", "The body could not be parsed as JSON."))
    errors = [{"field": _field(one["loc"]), "reason": str(one["msg"]).removeprefix("Value error, ")} for one in found]
    return answer(Problem("invalid_request", f"{errors[0]['field']}: {errors[0]['reason']}", errors=errors))


_OF_STATUS = {
    400: "malformed_request",
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}


async def answer_http(_: Request, error: Exception) -> JSONResponse:
    """What the framework raises by itself: unknown paths, wrong methods, unreadable bodies."""
    assert isinstance(error, HTTPException)
    return answer(Problem(_OF_STATUS.get(error.status_code, "malformed_request"), headers=error.headers))


def _field(place: Sequence[int | str]) -> str:
    return ".".join(str(step) for step in place if step not in {"body", "query", "path", "header"}) or "body"
