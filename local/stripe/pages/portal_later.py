"""Changes of plan that the portal leaves for the end of the period.

A configuration says which (``schedule_at_period_end.conditions``); a subscription schedule carries them out.
https://docs.stripe.com/customer-management/configure-portal#schedule-downgrades
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..resources import subscription_schedules
from ..world import World
from .portal_visit import Visit
from .site import Fields, Site

Object = dict[str, Any]
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def register(site: Site) -> None:
    site.post("/p/session/{id}/{subscription}/keep", lambda request, given: keep(site, request, given))


def keep(site: Site, request: Request, given: Fields) -> Response:
    """The customer stays with the plan after all."""
    visit = Visit(site, request)
    subscription = visit.subscription(request, "subscription_update")
    with site.world.transaction():
        take_back(site.world, subscription)
    return visit.finish("kept")


def take_back(world: World, subscription: Object) -> None:
    if subscription["schedule"]:
        subscription_schedules.release(world, subscription["schedule"], {})


def waits(feature: Object, item: Object, price: Object, quantity: int) -> bool:
    """Whether this change is one that the shop leaves for the end of the period."""
    conditions = {one["type"] for one in feature["schedule_at_period_end"]["conditions"]}
    old, new = item["price"]["recurring"], price["recurring"]
    shorter = DAYS[new["interval"]] * new["interval_count"] < DAYS[old["interval"]] * old["interval_count"]
    cheaper = price["unit_amount"] * quantity < item["price"]["unit_amount"] * item["quantity"]
    return ("shortening_interval" in conditions and shorter) or ("decreasing_item_amount" in conditions and cheaper)


def plan(world: World, subscription: Object, item: Object, price: str, quantity: int) -> None:
    """This period as it is, then one with the new plan; after that the schedule lets go."""
    schedule = subscription_schedules.create(world, {"from_subscription": subscription["id"]})
    (running,) = schedule["phases"]
    now: Object = {"items": [{"price": item["price"]["id"], "quantity": item["quantity"]}]}
    now |= {"start_date": running["start_date"], "end_date": running["end_date"]}
    then: Object = {"items": [{"price": price, "quantity": quantity}], "proration_behavior": "none"}
    subscription_schedules.update(world, schedule["id"], {"phases": [now, then], "end_behavior": "release"})


def planned(world: World, subscription: Object) -> Object | None:
    """What is planned and for when: the next phase of the subscription's schedule."""
    schedule = world.store.get(subscription["schedule"] or "")
    running = schedule["current_phase"] if schedule else None
    if not schedule or not running:
        return None
    later = [one for one in schedule["phases"] if one["start_date"] >= running["end_date"]]
    if not later:
        return None
    price = world.store.objects[later[0]["items"][0]["price"]]
    name = (world.store.get(price["product"]) or {}).get("name", price["product"])
    return {"name": name, "at": later[0]["start_date"]}
