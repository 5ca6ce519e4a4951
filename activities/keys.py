"""Idempotency keys: one for every try of an effect, until Stripe has failed under it.

Stripe keeps the answer to the first request under a key for a day and gives it again, "including 500 errors"
(https://docs.stripe.com/api/idempotent_requests). Such a key is spent, and the next try takes the next generation of
it: ``…/subscribe``, then ``…/subscribe/2``. Whether the failed request did its work nobody knows
(https://docs.stripe.com/error-low-level#server-errors), so a write that must not happen twice is looked for first.
Without an answer, or after 409 and 429, the key stays: the request may still be running, or was never begun.

Temporal hands the details of an attempt's last heartbeat to the next attempt, also when the attempt failed right after
it; there the generations are kept. A write outside activities has no such memory and must be harmless.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

import stripe
from temporalio import activity

T = TypeVar("T")

_FAILED_DEPENDENCY = 424


@contextmanager
def keyed(name: str) -> Iterator[str]:
    """The key for one write of this activity, ``name`` or a later generation of it; it notes when the key is spent."""
    generation = _generations().get(name, 1)
    try:
        yield name if generation == 1 else f"{name}/{generation}"
    except stripe.StripeError as error:
        if is_spent_by(error):
            activity.heartbeat({**_generations(), name: generation + 1})
        raise


def may_be_done(name: str) -> bool:
    """Whether Stripe failed under this key in an earlier attempt: look for the effect before writing again."""
    return name in _generations()


async def harmless(name: str, write: Callable[[str], Awaitable[T]]) -> T:
    """A write that may happen twice: under ``name``, and at once under a key of its own when that one is spent."""
    try:
        return await write(name)
    except stripe.StripeError as error:
        if not is_spent_by(error):
            raise
    return await write(f"{name}/{uuid4()}")


def is_spent_by(error: stripe.StripeError) -> bool:
    """Whether Stripe itself answered with a failure, which it keeps; a gateway's 502 or 504 has no error object."""
    status = error.http_status or 0
    return error.error is not None and (status >= 500 or status == _FAILED_DEPENDENCY)


def _generations() -> dict[str, int]:
    details = activity.info().heartbeat_details
    return dict(details[0]) if details else {}
