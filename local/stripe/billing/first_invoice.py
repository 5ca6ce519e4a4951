"""An invoice that is due at once: for a new subscription, a plan change, the end of a trial or of it all.

https://docs.stripe.com/billing/subscriptions/overview#payment-status
"""

from typing import Any

from ..protocol.errors import invalid
from ..world import World
from . import collection, invoicing, lifecycle, pause_collection, payments

Object = dict[str, Any]
NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment "
    "method. For more information, visit "
    "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority."
)


def issue(world: World, subscription: Object, invoice: Object, behavior: str, off_session: bool) -> None:
    """Finalize and pay, as ``payment_behavior`` says. Raises 402 only for ``error_if_incomplete``."""
    if not _opened(world, subscription, invoice):
        return
    if invoice["amount_due"] == 0:
        collection.settle_paid(world, invoice)
        return
    if invoice["collection_method"] == "send_invoice":
        collection.collect(world, invoice)
        return
    if behavior == "default_incomplete":
        # https://docs.stripe.com/api/subscriptions/update: past_due until the invoice's payment is confirmed
        if subscription["status"] not in ("incomplete", *lifecycle.OVER):
            lifecycle.payment_failed(world, subscription, last=False)
        return
    method = payments.method_for(world, invoice)
    if method is None and subscription["status"] not in lifecycle.OVER:
        raise invalid(NO_METHOD, None, "resource_missing")
    world.store.edit(invoice)["_tries"] = 1
    outcome = collection.attempt(world, invoice, method, off_session=off_session, scheduled=True)
    if outcome != payments.SUCCEEDED and behavior == "error_if_incomplete":
        intent = payments.intent_of(world, invoice)
        assert intent is not None
        raise collection.refusal(world, intent, outcome, keeps_effects=False)


def issue_unattended(world: World, subscription: Object, invoice: Object) -> None:
    """As time goes by nobody is there to be refused: a payment that is not to be had is one that failed."""
    if _opened(world, subscription, invoice):
        collection.collect(world, invoice)


def _opened(world: World, subscription: Object, invoice: Object) -> bool:
    """Finalize a new draft, unless the collection of its subscription is paused."""
    world.emit("invoice.created", invoice)
    if subscription["status"] not in lifecycle.OVER and pause_collection.keep_back(world, subscription, invoice):
        pause_collection.settle(world, subscription, invoice)
        return False
    invoicing.finalize(world, invoice)
    return True


def warn_of_short_trial(world: World, subscription: Object) -> None:
    """``trial_will_end`` comes at once when fewer than three days are left."""
    now = world.now(subscription["_clock"])
    short = subscription["trial_end"] - now <= lifecycle.TRIAL_WARNING
    if short and subscription.get("_announced") != subscription["trial_end"]:
        lifecycle.announce_trial_end(world, world.store.edit(subscription))
        world.deadlines.clear("trial_will_end", subscription)
