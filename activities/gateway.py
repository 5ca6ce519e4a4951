"""The line to Stripe: one client with explicit timeouts, and its errors sorted into ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import stripe

from settings import Settings

Stripe = stripe.StripeClient

_REFUSED = (stripe.InvalidRequestError, stripe.IdempotencyError)


LONGEST_RETRY_AFTER_SECONDS = 600.0


class StripeAway(Exception):
    """Stripe did not answer, told us to come back (network, 409, 424, 429, 5xx), or did not like our key. Try again.

    A wrong or restricted key (401, 403) is for an operator to mend; until then what customers asked for waits.
    ``retry_after`` is in seconds when Stripe named a time. The message holds Stripe's codes only, no customer data.
    """

    def __init__(self, what: str, retry_after: float | None = None) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class StripeRefused(Exception):
    """Stripe understood and said no; asking again gives the same answer.

    ``code`` and ``param`` are Stripe's own (https://docs.stripe.com/error-codes); texts are left out, since they may
    quote what a customer typed.
    """

    def __init__(self, code: str, param: str | None = None) -> None:
        super().__init__(code if param is None else f"{code} ({param})")
        self.code = code
        self.param = param


@asynccontextmanager
async def open_stripe(settings: Settings) -> AsyncIterator[Stripe]:
    """A client that never retries by itself: Temporal does, with our own idempotency keys."""
    connections = stripe.HTTPXClient(timeout=settings.stripe_timeout_seconds)
    try:
        yield stripe.StripeClient(
            settings.stripe_api_key.get_secret_value(),
            base_addresses={"api": settings.stripe_api_url} if settings.stripe_api_url else None,
            max_network_retries=0,
            http_client=connections,
        )
    finally:
        await connections.close_async()  # type: ignore[no-untyped-call]


@contextmanager
def answers() -> Iterator[None]:
    """Sort Stripe's errors: `StripeAway` to try again, `StripeRefused` not to; a declined card passes as it is."""
    try:
        yield
    except stripe.CardError:
        raise
    except _REFUSED as error:
        raise StripeRefused(error.code or type(error).__name__, getattr(error, "param", None)) from None
    except stripe.StripeError as error:
        status = error.http_status or "no answer"
        raise StripeAway(f"{type(error).__name__} ({status})", _retry_after(error)) from None


def _retry_after(error: stripe.StripeError) -> float | None:
    """stripe-python leaves ``Retry-After`` to its callers."""
    value = (error.headers or {}).get("retry-after", "")
    return min(float(value), LONGEST_RETRY_AFTER_SECONDS) if value.isdigit() else None
