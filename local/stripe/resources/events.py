"""Events (https://docs.stripe.com/api/events)."""

from typing import Any

import orjson
from stripe import params as sdk

from ..events import Logged
from ..protocol.errors import invalid, missing
from ..protocol.lists import in_range, page
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

    def keep(one: Object) -> bool:
        if types is not None and not any(_matches(one["type"], wanted) for wanted in types):
            return False
        if delivered is not None and (one["id"] not in world.events.pending) is not delivered:
            return False
        return "created" not in params or in_range(one["created"], params["created"])

    index = ({"id": one.id, "type": one.type, "created": one.created} for one in reversed(world.events.index.values()))
    found = page(index, params, "/v1/events", keep)
    found["data"] = [_load(world, world.events.index[one["id"]]) for one in found["data"]]
    return found


def _matches(type: str, wanted: str) -> bool:
    return type.startswith(wanted[:-1]) if wanted.endswith("*") else type == wanted
