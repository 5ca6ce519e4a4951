"""``expand`` (https://docs.stripe.com/expand): ids become objects, includable fields appear."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..world import visible
from .errors import StripeError

if TYPE_CHECKING:
    from ..world import World

Object = dict[str, Any]
INCLUDABLE: dict[tuple[str, str], Callable[["World", Object], Any]] = {}
"""(object, field) → what appears there only on request; each resource registers its own."""

MAX_DEPTH = 4
"""Levels of one path; the ``data`` of a list is one of them (stripe-java issue 2011)."""


def includable(kind: str, field: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        INCLUDABLE[(kind, field)] = function
        return function

    return register


def render(world: "World", obj: Object, paths: list[str]) -> Object:
    """The object as the API shows it."""
    shown = visible(obj) if "id" in obj or "object" in obj else obj
    if shown.get("object") == "search_result" and "total_count" in paths:
        shown["total_count"] = obj["_total"]
        paths = [path for path in paths if path != "total_count"]
    if not paths:
        return shown
    tree: dict[str, Any] = {}
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAX_DEPTH:
            raise _refused(f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}")
        branch = tree
        for step in steps:
            branch = branch.setdefault(step, {})
    expanded: Object = _expanded(world, shown, tree, "")
    return expanded


def _expanded(world: "World", value: Any, tree: dict[str, Any], at: str) -> Any:
    if isinstance(value, list):
        return [_expanded(world, one, tree, at) for one in value]
    if not isinstance(value, dict):
        return value
    expanded = dict(value)
    for name, deeper in tree.items():
        full = f"{at}.{name}" if at else name
        expanded[name] = _expanded(world, _field(world, value, name, full), deeper, full)
    return expanded


def _field(world: "World", obj: Object, name: str, full: str) -> Any:
    include = INCLUDABLE.get((obj.get("object", ""), name))
    if include is not None:
        return include(world, world.store.get(obj["id"]) or obj)
    if name not in obj:
        listed = obj.get("object") in ("list", "search_result")
        hint = f" You may want to try expanding 'data.{full}' instead." if listed and "." not in full else ""
        raise _refused(f"This property cannot be expanded ({full}).{hint}")
    value = obj[name]
    if isinstance(value, str):
        return _object(world, value, full)
    if isinstance(value, list):
        return [_object(world, one, full) if isinstance(one, str) else one for one in value]
    if value is not None and not isinstance(value, dict):
        raise _refused(f"This property cannot be expanded ({full}).")
    return value


def _object(world: "World", id: str, full: str) -> Object:
    found = world.store.get(id)
    if found is None:
        raise _refused(f"This property cannot be expanded ({full}).")
    return visible(found)


def _refused(message: str) -> StripeError:
    return StripeError(400, message, param="expand", replayable=False)
