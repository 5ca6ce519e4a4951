"""A change that waits for its payment (https://docs.stripe.com/billing/subscriptions/pending-updates).

The subscription goes on as it was. What it will be is kept beside it until the invoice of the change is paid. Unpaid
for 23 hours, or until the period or the trial ends, the invoice is voided and the change forgotten.
"""

from typing import Any

import orjson

from ..protocol.errors import invalid
from ..protocol.parameters import merged_metadata
from ..world import World
from . import invoicing

Object = dict[str, Any]
WAITS = 23 * 3600
UPDATED = "customer.subscription.updated"
SUPPORTED = {
    "add_invoice_items",
    "billing_cycle_anchor",
    "cancel_at_period_end",
    "discounts",
    "items",
    "metadata",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
    "trial_from_plan",
}
SUPPORTED_OF_ITEMS = {"id", "price", "price_data", "quantity", "discounts", "deleted"}


def refuse_unsupported(subscription: Object, params: Object) -> None:
    """https://docs.stripe.com/billing/subscriptions/pending-updates#supported-attributes"""
    if subscription["collection_method"] != "charge_automatically":
        message = "pending_if_incomplete can only be used when collection_method is `charge_automatically`."
        raise invalid(message, "payment_behavior")
    unsupported = sorted(params.keys() - SUPPORTED)
    for position, entry in enumerate(params.get("items", [])):
        unsupported += [f"items[{position}][{name}]" for name in sorted(entry.keys() - SUPPORTED_OF_ITEMS)]
    if unsupported:
        message = "When `payment_behavior` is set to `pending_if_incomplete`, you can only pass supported params. "
        raise invalid(f"{message}Unsupported params: {', '.join(unsupported)}.", unsupported[0])


def hold_back(
    world: World, subscription: Object, before: Object, invoice: Object, params: Object, until: int | None = None
) -> None:
    """Take the changes out of the subscription again and keep them until this invoice is paid."""
    after = copied({name: value for name, value in subscription.items() if before.get(name) != value})
    for name in ("latest_invoice", "metadata", "pending_update", "_pending_update"):
        after.pop(name, None)
    subscription.clear()
    subscription.update(copied(before), latest_invoice=invoice["id"])
    subscription["_pending_update"] = {
        "invoice": invoice["id"],
        "changes": after,
        "metadata": params.get("metadata"),
    }
    subscription["pending_update"] = {
        "billing_cycle_anchor": after.get("billing_cycle_anchor"),
        "cancel_at_period_end": params.get("cancel_at_period_end"),
        "discount": None,
        "discounts": after.get("discounts"),
        "expires_at": until or _expiry(world, subscription),
        "metadata": params.get("metadata"),
        "subscription_items": after["items"]["data"] if "items" in params and "items" in after else None,
        "trial_end": after.get("trial_end") if "trial_end" in params else None,
        "trial_from_plan": params.get("trial_from_plan"),
    }


def copied(obj: Object) -> Object:
    copy: Object = orjson.loads(orjson.dumps(obj))
    return copy


def _expiry(world: World, subscription: Object) -> int:
    """The first of: 23 hours from now, the end of the trial, the end of a period."""
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    if subscription["status"] == "trialing":
        ends.append(subscription["trial_end"])
    return int(min(world.now(subscription["_clock"]) + WAITS, *ends))


def waits_for(subscription: Object | None, invoice: Object) -> bool:
    pending = (subscription or {}).get("_pending_update")
    return bool(pending and pending["invoice"] == invoice["id"])


def apply(world: World, subscription: Object, **otherwise: str) -> None:
    """The invoice is paid: the subscription becomes what was asked for. Nobody hears of what never waited."""
    at_once, resumes = subscription.get("_being_created"), subscription["status"] == "paused"
    with world.changing(subscription, None if at_once else UPDATED):
        pending = subscription.pop("_pending_update")
        subscription.update(pending["changes"], pending_update=None, **otherwise)
        if resumes:
            subscription.pop("status_details", None)
        if pending["metadata"] is not None:
            subscription["metadata"] = merged_metadata(subscription["metadata"], pending["metadata"])
    if resumes:
        world.emit("customer.subscription.resumed", subscription)
    elif not at_once:
        world.emit("customer.subscription.pending_update_applied", subscription)


def expire(world: World, subscription: Object) -> None:
    """Time is up, or something else took its place."""
    if not subscription.get("pending_update"):
        return
    invoice = world.store.get(subscription["_pending_update"]["invoice"])
    forget(world, subscription)
    world.emit("customer.subscription.pending_update_expired", subscription)
    if invoice and invoice["status"] == "open":
        invoicing.void(world, invoice)


def forget(world: World, subscription: Object) -> None:
    with world.changing(subscription, UPDATED):
        subscription.pop("_pending_update")
        subscription["pending_update"] = None
    world.deadlines.clear("expire_update", subscription)
