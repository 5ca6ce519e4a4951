"""Where the local Stripe sends its events: one endpoint, made as an installation makes it in Stripe's dashboard."""

from typing import Any

import stripe

from lifecycle.events import HANDLED_EVENT_TYPES
from local.state import State

MARK = "perennial"
"""The metadata by which we know our own endpoint again among those that somebody else made."""


async def register(client: stripe.StripeClient, url: str, state: State) -> str:
    """The endpoint's signing secret. It is made once and afterwards follows the API's address.

    Stripe shows the secret only when an endpoint is made, so one of ours whose secret is not known is replaced.
    https://docs.stripe.com/api/webhook_endpoints/object#webhook_endpoint_object-secret
    """
    endpoints = client.v1.webhook_endpoints
    secret, found = state.known_secret("webhook_secret"), False
    for endpoint in (await endpoints.list_async({"limit": 100})).data:
        if secret and endpoint.id == state.known_secret("webhook_endpoint"):
            found = True
            if endpoint.url != url or set(endpoint.enabled_events) != set(HANDLED_EVENT_TYPES):
                await endpoints.update_async(endpoint.id, _where(url))
        elif getattr(endpoint.metadata, MARK, None):
            await endpoints.delete_async(endpoint.id)
    if secret and found:
        return secret
    return await _make(client, url, state)


async def _make(client: stripe.StripeClient, url: str, state: State) -> str:
    params: Any = {**_where(url), "api_version": stripe.api_version, "metadata": {MARK: "up"}}
    made = await client.v1.webhook_endpoints.create_async(params)
    if made.secret is None:
        raise RuntimeError("the local Stripe made a webhook endpoint without a secret")
    state.keep_secret("webhook_endpoint", made.id)
    state.keep_secret("webhook_secret", made.secret)
    return made.secret


def _where(url: str) -> Any:
    """Loosely typed: our list of event types is plain text, the SDK's are literals."""
    return {"url": url, "enabled_events": list(HANDLED_EVENT_TYPES)}
