"""One change of plan from the portal: what the configuration makes of it, what it costs, and doing it."""

from typing import Any

from ..billing import payments
from ..protocol.errors import card_error, invalid, missing
from ..resources import invoice_preview, subscriptions
from ..world import World
from .portal_visit import Visit

Object = dict[str, Any]


def the_item(subscription: Object) -> Object:
    """https://docs.stripe.com/customer-management#limitations"""
    items: list[Object] = subscription["items"]["data"]
    if len(items) != 1:
        raise invalid("A subscription with several products cannot be changed in the portal.")
    return items[0]


def of(visit: Visit, subscription: Object, price: str, quantity: str | None) -> Object:
    """The parameters of the update, as the configuration wants it."""
    item, update = the_item(subscription), visit.features["subscription_update"]
    offered = {item["price"]["id"]}
    if "price" in update["default_allowed_updates"]:
        offered |= {one for product in update.get("products") or [] for one in product["prices"]}
    if price not in offered or price not in visit.world.store.objects:
        raise missing("price", price)
    wanted = int(quantity) if quantity and quantity.isdecimal() and len(quantity) < 7 else item["quantity"]
    if wanted != item["quantity"] and "quantity" not in update["default_allowed_updates"]:
        raise invalid("The shop does not offer another quantity here.")
    change: Object = {"items": [{"id": item["id"], "price": price, "quantity": max(wanted, 1)}]}
    change["proration_behavior"] = update["proration_behavior"]
    if update["billing_cycle_anchor"] == "now":
        change["billing_cycle_anchor"] = {"type": "now"}
    if subscription["status"] == "trialing" and update["trial_update_behavior"] == "end_trial":
        change["trial_end"] = "now"
    return change


def preview(world: World, subscription: Object, change: Object, at: int) -> tuple[Object, bool]:
    """The invoice of the change, and whether it is due at once or with the next period."""
    details: Object = {**change}
    if "billing_cycle_anchor" in details:
        details["billing_cycle_anchor"] = "now"
    if subscription["status"] == "active":
        details["proration_date"] = at
    with world.transaction():
        before = subscription["latest_invoice"]
        with world.rehearsal():
            params = {**change, "payment_behavior": "default_incomplete"}
            after = subscriptions.update(world, subscription["id"], params)["latest_invoice"]
        params = {"subscription": subscription["id"], "subscription_details": details}
        return invoice_preview.create_preview(world, params), after != before


def make(world: World, subscription: Object, change: Object, back: str) -> Object | None:
    """Granted only when it is paid: the payment intent when the bank asks first, to come ``back`` from its page.

    402 when the card is declined; then nothing is kept: the plan stays, and no invoice waits for a payment.
    """
    before = subscription["latest_invoice"]
    params = {**change, "payment_behavior": "pending_if_incomplete"}
    updated = subscriptions.update(world, subscription["id"], params)
    if updated["latest_invoice"] == before:
        return None
    intent = payments.intent_of(world, world.store.objects[updated["latest_invoice"]])
    error = (intent or {}).get("last_payment_error")
    if intent and error and intent["status"] == "requires_payment_method":
        raise card_error(error["message"], error["code"], error.get("decline_code"), keeps_effects=False)
    if intent is None or intent["status"] != "requires_action":
        return None
    redirect = {"return_url": back, "url": f"{world.url}/3ds/{intent['id']}"}
    world.store.edit(intent)["next_action"] = {"redirect_to_url": redirect, "type": "redirect_to_url"}
    return intent
