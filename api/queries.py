"""Query parameters that a route does not know, or that come twice, are wrong fields like any other."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from api.hosts import PROBES
from api.problems import Problem


async def known_queries(request: Request) -> None:
    """Refuse what would be passed over in silence: a typing error in ``timing=now`` must not cancel at period end."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    if not given or request.scope["path"] in PROBES:
        return
    known = set(_names(request.scope["route"].dependant))
    errors = [{"field": _shown(name), "reason": "is not a parameter of this"} for name in given if name not in known]
    errors += [{"field": name, "reason": "comes twice"} for name in given if name in known and given[name] > 1]
    if errors:
        raise Problem("invalid_request", f"{errors[0]['field']}: {errors[0]['reason']}", errors=errors[:20])


def _names(dependant: Any) -> Iterator[str]:
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from kind.model_fields
        else:
            yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)


def _shown(name: str) -> str:
    """A name that a stranger chose: bounded, printable."""
    return name[:64] if name[:64].isprintable() and name else "query"
