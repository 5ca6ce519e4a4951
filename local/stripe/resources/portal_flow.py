"""Portal sessions that lead to one thing (https://docs.stripe.com/customer-management/portal-deep-links)."""

from typing import Any

from ..protocol.errors import invalid
from ..world import World

Object = dict[str, Any]
EMULATED = """flow_data.type flow_data.after_completion flow_data.subscription_cancel.subscription
    flow_data.subscription_pause flow_data.subscription_update flow_data.subscription_update_confirm.items
    flow_data.subscription_update_confirm.subscription"""
FEATURES = {
    "customer_update": "customer_update",
    "payment_method_update": "payment_method_update",
    "subscription_cancel": "subscription_cancel",
    "subscription_pause": "subscription_pause",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
}
"""Which feature of the configuration a flow needs."""


def of(world: World, customer: Object, configuration: Object, given: Object | None) -> Object | None:
    """The session's ``flow``; refused when the configuration does not allow it or the subscription is another's."""
    if not given:
        return None
    kind = given["type"]
    feature = FEATURES[kind]
    if not configuration["features"][feature]["enabled"]:
        message = f"The `{kind}` flow cannot be used because the `{feature}` feature in the portal configuration is "
        raise invalid(message + "disabled.", "flow_data[type]")
    flow: Object = {name: None for name in FEATURES if name != "payment_method_update"}
    flow |= {"type": kind, "after_completion": _after(given.get("after_completion", {}))}
    if kind == "customer_update":
        flow[kind] = {}
    elif kind.startswith("subscription_"):
        if kind not in given:
            raise invalid(f"Missing required param: flow_data[{kind}].", f"flow_data[{kind}]", "parameter_missing")
        flow[kind] = _of_subscription(world, customer, configuration, kind, given[kind])
    return flow


def _after(given: Object) -> Object:
    return {
        "hosted_confirmation": {"custom_message": None, **given.get("hosted_confirmation", {})}
        if given.get("type") == "hosted_confirmation"
        else None,
        "redirect": given.get("redirect"),
        "type": given.get("type", "portal_homepage"),
    }


def _of_subscription(world: World, customer: Object, configuration: Object, kind: str, given: Object) -> Object:
    param = f"flow_data[{kind}]"
    subscription = world.find("subscription", given["subscription"], f"{param}[subscription]")
    if subscription["customer"] != customer["id"]:
        raise invalid("The subscription does not belong to this customer.", f"{param}[subscription]")
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise invalid(f"The subscription is already {subscription['status']}.", f"{param}[subscription]")
    shown: Object = {"subscription": subscription["id"]}
    if kind == "subscription_cancel":
        shown["retention"] = None
    if kind == "subscription_update_confirm":
        shown |= {"discounts": None, "items": _items(configuration, subscription, given["items"], param)}
    return shown


def _items(configuration: Object, subscription: Object, given: list[Object], param: str) -> list[Object]:
    if len(given) != 1 or len(subscription["items"]["data"]) != 1:
        raise invalid("Only subscriptions with one item can be updated in the portal.", f"{param}[items]")
    (item,), (now,) = given, subscription["items"]["data"]
    if item["id"] != now["id"]:
        raise invalid(f"No such subscription item: '{item['id']}'", f"{param}[items][0][id]", "resource_missing")
    products = configuration["features"]["subscription_update"].get("products") or []
    price = item.get("price", now["price"]["id"])
    if price != now["price"]["id"] and not any(price in one["prices"] for one in products):
        message = (
            "The item cannot be updated to price `{}` because the configuration does not include the price in its "
        )
        raise invalid(message.format(price) + "`features[subscription_update][products]`.", f"{param}[items][0][price]")
    return [{"id": item["id"], "price": price, "quantity": item.get("quantity", now["quantity"])}]
