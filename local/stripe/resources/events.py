"""Events (https://docs.stripe.com/api/events)."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NotRequired, TypedDict

import orjson
from stripe import params as sdk

from ..events import Logged
from ..protocol.errors import invalid, missing, not_emulated
from ..protocol.lists import in_range, limit_of
from ..routing import Routes
from ..world import World

Object = dict[str, Any]
KEPT_SECONDS = 30 * 86400
"""https://docs.stripe.com/api/events: 30 days, of the wall clock."""


class EventRetryParams(TypedDict):
    """What Stripe's command-line tool sends; no library knows this call."""

    webhook_endpoint: NotRequired[str]
    for_stripecli: NotRequired[bool]
    expand: NotRequired[list[str]]


def register(routes: Routes) -> None:
    routes.add("GET", "/v1/events", list_, sdk.EventListParams)
    routes.add("GET", "/v1/events/{id}", retrieve, sdk.EventRetrieveParams)
    routes.add("POST", "/v1/events/{id}/retry", retry, EventRetryParams)


def retrieve(world: World, id: str, params: Object) -> Object:
    logged = world.events.index.get(id)
    if logged is None or logged.logged < world.wall.now() - KEPT_SECONDS:
        raise missing("event", id)
    return _load(world, logged)


def retry(world: World, id: str, params: Object) -> Object:
    """Deliver it again, as ``stripe events resend`` asks for: to one endpoint, or to all that take its type."""
    event = retrieve(world, id, {})
    if params.get("for_stripecli"):
        raise not_emulated(
            "Resending to `stripe listen`; name an endpoint (--webhook-endpoint), which", "for_stripecli"
        )
    if "webhook_endpoint" in params:
        chosen = [world.find("webhook_endpoint", params["webhook_endpoint"], "webhook_endpoint")]
    else:
        every = world.store.all("webhook_endpoint")
        chosen = [one for one in every if "*" in one["enabled_events"] or event["type"] in one["enabled_events"]]
    for endpoint in chosen:
        if endpoint["status"] == "enabled":
            world.events.resend(id, endpoint["id"])
    return retrieve(world, id, {})


def _load(world: World, logged: Logged) -> Object:
    event: Object = orjson.loads(world.events.body(logged))
    return event


def list_(world: World, params: Object) -> Object:
    """Newest first; ``type`` may end in ``.*``."""
    if "type" in params and "types" in params:
        raise invalid("You may only specify one of these parameters: type, types.", "types")
    types = params.get("types", [params["type"]] if "type" in params else None)
    delivered = params.get("delivery_success")

    def keep(one: Logged) -> bool:
        if types is not None and not any(_matches(one.type, wanted) for wanted in types):
            return False
        if delivered is not None and (one.id not in world.events.pending) is not delivered:
            return False
        return "created" not in params or in_range(one.created, params["created"])

    return _page(world, params, keep)


def _page(world: World, params: Object, keep: Callable[[Logged], bool]) -> Object:
    """As ``lists.page``, but without looking at more of a long log than is shown."""
    order, limit = world.events.order, limit_of(params)
    oldest = bisect_left(order, world.wall.now() - KEPT_SECONDS, key=lambda one: one.logged)
    places: Iterable[int] = range(len(order) - 1, oldest - 1, -1)
    if "starting_after" in params:
        places = range(_place(world, params, "starting_after") - 1, oldest - 1, -1)
    elif "ending_before" in params:
        places = range(max(oldest, _place(world, params, "ending_before") + 1), len(order))
    kept = list(islice((order[place] for place in places if keep(order[place])), limit + 1))
    shown = [_load(world, logged) for logged in kept[:limit]]
    if "ending_before" in params:
        shown.reverse()
    return {"object": "list", "data": shown, "has_more": len(kept) > limit, "url": "/v1/events"}


def _place(world: World, params: Object, param: str) -> int:
    logged = world.events.index.get(params[param])
    if logged is None:
        raise missing("event", params[param], param)
    return logged.place


def _matches(type: str, wanted: str) -> bool:
    return type.startswith(wanted[:-1]) if wanted.endswith("*") else type == wanted
