"""Events (https://docs.stripe.com/api/events)."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import orjson
from stripe import params as sdk

from ..events import Logged
from ..protocol.errors import invalid, missing
from ..protocol.lists import in_range, limit_of
from ..routing import Routes
from ..world import World

Object = dict[str, Any]


def register(routes: Routes) -> None:
    routes.add("GET", "/v1/events", list_, sdk.EventListParams)
    routes.add("GET", "/v1/events/{id}", retrieve, sdk.EventRetrieveParams)


def retrieve(world: World, id: str, params: Object) -> Object:
    logged = world.events.index.get(id)
    if logged is None:
        raise missing("event", id)
    return _load(world, logged)


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
    places: Iterable[int] = range(len(order) - 1, -1, -1)
    if "starting_after" in params:
        places = range(_place(world, params, "starting_after") - 1, -1, -1)
    elif "ending_before" in params:
        places = range(_place(world, params, "ending_before") + 1, len(order))
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
