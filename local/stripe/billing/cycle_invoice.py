"""The invoice of a period's end: a draft for about an hour (https://docs.stripe.com/billing/invoices/subscription)."""

from typing import Any

from ..world import World
from . import invoicing, lines, pause_collection, shortened

Object = dict[str, Any]


def for_new_period(world: World, subscription: Object, before: tuple[int, int]) -> Object:
    share = shortened.share_of_last(subscription)
    full = [lines.full_period(world, subscription, item) for item in subscription["items"]["data"]]
    shortened.bill_in_part(full, share)
    invoice = invoicing.draft(world, subscription, "subscription_cycle", full, before)
    if subscription["status"] == "unpaid":
        # https://docs.stripe.com/billing/subscriptions/overview#unpaid: drafts pile up and are not tried
        invoice["auto_advance"] = False
        return invoice
    if not pause_collection.keep_back(world, subscription, invoice):
        finalize_later(world, invoice)
    return invoice


def for_what_is_pending(world: World, subscription: Object, before: tuple[int, int]) -> Object | None:
    """Prorations that wait are still collected at the end (https://docs.stripe.com/api/subscriptions/cancel)."""
    if subscription["status"] not in ("active", "past_due") or not lines.pending_items(world, subscription):
        return None
    invoice = invoicing.draft(world, subscription, "subscription_cycle", [], before)
    finalize_later(world, invoice)
    world.store.edit(subscription)["latest_invoice"] = invoice["id"]
    world.emit("invoice.created", invoice)
    return invoice


def finalize_later(world: World, invoice: Object) -> None:
    at = world.now(invoice["_clock"]) + world.settings.finalize_after_seconds
    invoice["automatically_finalizes_at"] = invoice["next_payment_attempt"] = at
    world.deadlines.set("finalize", invoice, at)
