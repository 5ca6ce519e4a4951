"""Stripe's error bodies (https://docs.stripe.com/api/errors)."""

from typing import Any

JSON = dict[str, Any]


class StripeError(Exception):
    """An answer with an error body.

    ``keeps_effects`` says that what happened before the error stays, as with a declined charge:
    the payment intent keeps its ``last_payment_error`` although the call answers 402. ``retry_after`` is in seconds.
    ``missing`` is the id that was not found.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        keeps_effects: bool = False,
        replayable: bool = True,
        retry_after: int | None = None,
        missing: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keeps_effects = keeps_effects
        self.replayable = replayable
        self.retry_after = retry_after
        self.missing = missing
        error: JSON = {}
        if code:
            error["code"] = code
            if code not in UNDOCUMENTED:
                error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        error["message"] = message
        if param:
            error["param"] = param
        error["type"] = type
        error.update({name: value for name, value in extra.items() if value is not None})
        self.error = error

    @property
    def body(self) -> JSON:
        return {"error": self.error}

    def shown(self, log_url: str | None) -> JSON:
        """The body with the address of the request's log, when we know who asked."""
        error = {**self.error, "request_log_url": log_url} if log_url else self.error
        return {"error": dict(sorted(error.items()))}

    @property
    def headers(self) -> dict[str, str]:
        """``Stripe-Should-Retry`` as Stripe's libraries read it; of a 5xx the API says nothing."""
        headers = {}
        if self.status < 500:
            again = self.error.get("code") in ("lock_timeout", "idempotency_key_in_use")
            headers["Stripe-Should-Retry"] = "true" if again else "false"
        if self.error.get("code") == "rate_limit":
            headers["Stripe-Rate-Limited-Reason"] = "endpoint-rate"  # https://docs.stripe.com/rate-limits
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
        return headers


UNDOCUMENTED = {"local_stripe_not_emulated"}
"""Codes of our own: Stripe has no page for them."""


def missing(kind: str, id: str, param: str = "id") -> StripeError:
    """404 for what the path names; the API makes a 400 of it when a parameter names it."""
    return StripeError(404, f"No such {kind}: '{id}'", code="resource_missing", param=param, missing=id)


def invalid(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> StripeError:
    return StripeError(status, message, param=param, code=code)


def not_emulated(what: str, param: str | None = None) -> StripeError:
    """Refuse what Stripe knows and we do not: an invented success would mislead a developer."""
    return StripeError(
        400,
        f"{what} is not emulated by the local Stripe.",
        code="local_stripe_not_emulated",
        param=param,
        replayable=False,
    )


def card_error(
    message: str, code: str, decline_code: str | None, *, keeps_effects: bool = True, **extra: Any
) -> StripeError:
    """https://docs.stripe.com/declines/codes"""
    return StripeError(
        402, message, type="card_error", code=code, decline_code=decline_code, keeps_effects=keeps_effects, **extra
    )
