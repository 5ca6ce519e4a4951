"""Which fields may be absent. Python's types for Stripe cannot tell absent from null; those for Node do.

``presence.json`` was taken from stripe-node 23.1.0, which pins the same API version: kind → class → its optional
fields. One with a question mark may be null as well; every other field of a class is always there.
"""

import json
import sys
from functools import cache
from pathlib import Path

OPTIONAL: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text())


@cache
def optional(known: type) -> dict[str, bool] | None:
    """Field → whether it may be null as well; None for what the list does not cover."""
    root, _, inner = known.__qualname__.partition(".")
    kind = getattr(getattr(sys.modules[known.__module__], root), "OBJECT_NAME", "")
    if kind not in OPTIONAL:
        return None
    names = OPTIONAL[kind].get(inner, "").split()
    return {name.rstrip("?"): name.endswith("?") for name in names}
