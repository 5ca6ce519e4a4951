"""Items added, changed and removed one at a time (https://docs.stripe.com/api/subscription_items).

Each is an update of the subscription, with the same prorations and the same ``payment_behavior``.
"""

from typing import Any

from stripe import params as sdk

from ..protocol.errors import invalid
from ..routing import Routes
from ..world import World
from . import subscriptions
from .subscription_items import owner

Object = dict[str, Any]
HOW = ("off_session", "payment_behavior", "proration_behavior", "proration_date")
WHAT = ("discounts", "metadata", "price", "price_data", "quantity")
PATH = "/v1/subscription_items"


def register(routes: Routes) -> None:
    changes = "discounts metadata payment_behavior price price_data proration_behavior proration_date quantity"
    routes.add("POST", PATH, create, sdk.SubscriptionItemCreateParams, f"{changes} subscription")
    routes.add("POST", PATH + "/{id}", update, sdk.SubscriptionItemUpdateParams, f"{changes} off_session")
    removes = "payment_behavior proration_behavior proration_date"
    routes.add("DELETE", PATH + "/{id}", delete, sdk.SubscriptionItemDeleteParams, removes)


def create(world: World, params: Object) -> Object:
    subscription = world.find("subscription", params["subscription"], "subscription")
    known = {item["id"] for item in subscription["items"]["data"]}
    _change(world, subscription["id"], {}, params)
    waiting = (subscription["pending_update"] or {}).get("subscription_items") or []
    found: Object = next(one for one in [*subscription["items"]["data"], *waiting] if one["id"] not in known)
    return found


def update(world: World, id: str, params: Object) -> Object:
    subscription, item = owner(world, id)
    if params.keys() - {"payment_behavior"}:
        _change(world, subscription["id"], {"id": id}, params)
    return next((one for one in subscription["items"]["data"] if one["id"] == id), item)


def delete(world: World, id: str, params: Object) -> Object:
    subscription, _ = owner(world, id)
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise invalid("An item cannot be deleted with payment_behavior=pending_if_incomplete.", "payment_behavior")
    _change(world, subscription["id"], {"id": id, "deleted": True}, params)
    return {"id": id, "object": "subscription_item", "deleted": True}


def _change(world: World, subscription: str, entry: Object, params: Object) -> None:
    entry |= {name: params[name] for name in WHAT if name in params}
    how = {name: params[name] for name in HOW if name in params}
    subscriptions.update(world, subscription, {"items": [entry], **how})
