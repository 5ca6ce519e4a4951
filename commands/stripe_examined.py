"""Stripe as an examination asks it: the key, the account behind it, and the endpoint that events come through."""

from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, TypeVar

from commands.findings import Finding, of

if TYPE_CHECKING:
    from activities.gateway import Stripe
    from settings import Settings

Answer = TypeVar("Answer")


async def examine_stripe(settings: "Settings") -> AsyncIterator[Finding]:
    """Does the key work, is the account the one that was named, does the webhook endpoint send what is needed."""
    from activities.gateway import StripeAway, open_stripe
    from production import stripe_mode

    ok, warn, fail = of("Stripe")
    mode = {True: "live", False: "test", None: "unknown"}[stripe_mode(settings.stripe_api_key.get_secret_value())]
    async with open_stripe(settings) as stripe:
        try:
            account = await _asked(stripe.v1.accounts.retrieve_current_async())
        except StripeAway as away:
            yield fail(f"{away}", "is the key right, and the way to api.stripe.com open?")
            return
        yield ok(f"answers as {account.id}, {mode} key")
        if settings.stripe_account not in (None, account.id):
            yield fail(f"PERENNIAL_STRIPE_ACCOUNT is another account than the key's ({account.id})")
        if not account.charges_enabled:
            yield warn("this account cannot take payments yet", "complete it in Stripe's dashboard")
        async for one in _webhook_endpoint(stripe, settings):
            yield one


async def _webhook_endpoint(stripe: "Stripe", settings: "Settings") -> AsyncIterator[Finding]:
    import stripe as sdk

    from activities.gateway import StripeAway
    from lifecycle.events import HANDLED_EVENT_TYPES

    ok, warn, fail = of("Stripe")
    url = f"{settings.public_url}/billing/webhooks/stripe"
    try:
        listed = await _asked(stripe.v1.webhook_endpoints.list_async({"limit": 100}))
    except StripeAway:
        yield warn("the key may not read webhook endpoints", "allow it, or look in Stripe's dashboard yourself")
        return
    ours = [one for one in listed.data if one.url.rstrip("/") == url]
    if not ours:
        yield fail(
            f"no webhook endpoint leads to {url}",
            "make one in Stripe's dashboard, with the events in lifecycle/events.py",
        )
        return
    endpoint = next((one for one in ours if one.status == "enabled"), ours[0])
    if endpoint.status != "enabled":
        yield fail(f"the webhook endpoint {endpoint.id} is switched off", "switch it on in Stripe's dashboard")
    if endpoint.api_version not in (None, sdk.api_version):
        yield warn(
            f"the endpoint speaks {endpoint.api_version}, we {sdk.api_version}", "make a new endpoint of our version"
        )
    missing = sorted(set(HANDLED_EVENT_TYPES) - set(endpoint.enabled_events))
    if missing and endpoint.enabled_events != ["*"]:
        yield fail(f"the endpoint leaves out {', '.join(missing)}", "add them in Stripe's dashboard")
    elif endpoint.status == "enabled":
        yield ok(f"the webhook endpoint {endpoint.id} sends all {len(HANDLED_EVENT_TYPES)} kinds of events")


async def _asked(call: Awaitable[Answer]) -> Answer:
    from activities.gateway import answers

    with answers():
        return await call
