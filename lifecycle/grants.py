"""What a plan grants in the product: features by name, and how much of what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

UNLIMITED: Final = "unlimited"
SEATS = "seats"
PROJECTS = "projects"

Limit = int | Literal["unlimited"]
"""How many there may be. The word, not a number such as -1, so that no comparison can take it for one."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True)
class Grants:
    """What a plan's customers have while they have access. A name that is not in ``limits`` is none of it."""

    features: tuple[str, ...] = ()
    limits: Mapping[str, Limit] = field(default_factory=dict)

    def limit(self, name: str, seats: int) -> Limit:
        """How much of it; ``seats`` is how many were bought, one where a plan is not sold by seats."""
        return self.limits.get(name, seats if name == SEATS else 0)


def read_grants(place: str, features: object, limits: object, max_quantity: int) -> Grants:
    """The plan's ``grants`` and its table ``limits``; raises `ValueError` with the place that is wrong.

    How many seats a plan has that is sold by them is its quantity, so the file cannot say another number.
    """
    if not isinstance(features, list) or not all(_is_name(feature) for feature in features):
        raise ValueError(f"{place}.grants: a list of names such as priority_support is needed")
    if not isinstance(limits, dict):
        raise ValueError(f"{place}.limits: a table of numbers is needed")
    for name, limit in limits.items():
        if not _is_name(name):
            raise ValueError(f"{place}.limits.{name}: a name is small letters, digits and underscores, 32 at most")
        if limit != UNLIMITED and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
            raise ValueError(f'{place}.limits.{name}: a whole number from 0 or "{UNLIMITED}" is needed')
    if SEATS in limits and max_quantity > 1:
        raise ValueError(f"{place}.limits.{SEATS}: the plan is sold by seats, so it is the quantity")
    return Grants(tuple(features), limits)


def check_names(grants: Mapping[str, Grants]) -> None:
    """Whoever asks for a name must get one answer: it is a feature or a limit; raises `ValueError`.

    ``grants`` are those of every plan by its code.
    """
    counted = {SEATS, PROJECTS}.union(*(one.limits for one in grants.values()))
    for code, one in grants.items():
        for feature in counted.intersection(one.features):
            raise ValueError(f"plans.{code}.grants: {feature} is the name of a limit")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
