"""Pages of a list (https://docs.stripe.com/api/pagination), newest first."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from .errors import invalid, missing

Object = dict[str, Any]


PAGING = "limit starting_after ending_before"
"""What every list takes, as a route names it."""


def page(
    objects: Iterable[Object],
    params: dict[str, Any],
    url: str,
    keep: Callable[[Object], bool] | None = None,
) -> Object:
    """One page. ``objects`` come newest first; ``keep`` filters them."""
    limit = limit_of(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid("You may only specify one of these parameters: starting_after, ending_before.", "ending_before")
    found = list(objects)
    if after:
        found = found[_position(found, after, "starting_after", url) + 1 :]
    elif before:
        found = found[: _position(found, before, "ending_before", url)][::-1]
    kept = list(islice((one for one in found if keep is None or keep(one)), limit + 1))
    data = kept[:limit]
    if before:
        data.reverse()
    shown = [{name: value for name, value in one.items() if name[0] != "_"} for one in data]
    return {"object": "list", "data": shown, "has_more": len(kept) > limit, "url": url}


def limit_of(params: dict[str, Any]) -> int:
    limit: int = params.get("limit", 10)
    if limit < 1:
        raise invalid("This value must be greater than or equal to 1.", "limit", "parameter_invalid_integer")
    if limit > 100:
        raise invalid("This value must be less than or equal to 100.", "limit", "parameter_invalid_integer")
    return limit


def _position(found: list[Object], id: str, param: str, url: str) -> int:
    for position, one in enumerate(found):
        if one["id"] == id:
            return position
    # `/v1/customers` lists customers, `/v1/customers/cus_1/payment_methods` payment methods.
    raise missing(url.rpartition("/")[2].removesuffix("s").replace("_", " "), id, param)


def embedded(data: list[Object], url: str) -> Object:
    """A list inside an object, with its first ten."""
    shown = [{name: value for name, value in one.items() if name[0] != "_"} for one in data[:10]]
    return {"object": "list", "data": shown, "has_more": len(data) > 10, "url": url}


def in_range(value: int, wanted: Any) -> bool:
    """``created=5`` or ``created[gte]=5``."""
    if not isinstance(wanted, dict):
        return value == int(wanted)
    limits = {name: int(limit) for name, limit in wanted.items()}
    return (
        value > limits.get("gt", value - 1)
        and value >= limits.get("gte", value)
        and value < limits.get("lt", value + 1)
        and value <= limits.get("lte", value)
    )


def matching(params: dict[str, Any], *names: str) -> Callable[[Object], bool]:
    """Keep what equals each of these parameters when given, and ``created`` in its range."""
    wanted = {name: params[name] for name in names if name in params}
    created = params.get("created")

    def keep(one: Object) -> bool:
        # An invoice item calls it `date`.
        if created is not None and not in_range(one["created" if "created" in one else "date"], created):
            return False
        return all(one.get(name) == value for name, value in wanted.items())

    return keep
