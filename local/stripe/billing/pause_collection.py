"""The service goes on and invoices are made, but nobody is asked to pay them.

https://docs.stripe.com/billing/subscriptions/pause-payment: the status does not change; ``keep_as_draft``,
``mark_uncollectible`` and ``void`` say what becomes of the invoices until collection is resumed.
"""

from typing import Any

from ..protocol.errors import invalid
from ..world import World
from . import invoicing

Object = dict[str, Any]


def plan(world: World, subscription: Object, params: Object) -> None:
    """Pause collection, until a moment when one is given, or resume it."""
    given = params["pause_collection"] or None
    if given:
        resumes_at = given.get("resumes_at") or None
        if resumes_at and resumes_at <= world.now(subscription["_clock"]):
            raise invalid("`pause_collection[resumes_at]` must be in the future.", "pause_collection[resumes_at]")
        given = {"behavior": given["behavior"], "resumes_at": resumes_at}
    subscription["pause_collection"] = given


def resume(world: World, subscription: Object) -> None:
    """Its time has come. Drafts that were kept stay drafts."""
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["pause_collection"] = None


def keep_back(world: World, subscription: Object, invoice: Object) -> bool:
    """Is this new draft one that nobody is to pay? It will not advance by itself."""
    if not subscription["pause_collection"]:
        return False
    world.store.edit(invoice)["auto_advance"] = False
    return True


def settle(world: World, subscription: Object, invoice: Object) -> None:
    """What the customer's balance pays is paid; the rest is given up."""
    behavior = subscription["pause_collection"]["behavior"]
    if behavior == "keep_as_draft":
        return
    invoicing.finalize(world, invoice)
    if behavior == "void":
        invoicing.void(world, invoice)
    elif invoice["amount_due"]:
        invoicing.mark_uncollectible(world, invoice, "subscription_paused")
