"""What is emulated, as a table for docs/local-stripe.md, made from the table of routes itself.

``python -m local.stripe.inventory`` prints it; ``--write FILE`` puts it between the marks of a document.
"""

import argparse
import re
import sys
from pathlib import Path

from .protocol.parameters import fields
from .resources import ROUTES
from .routing import Operation

BEGIN = "<!-- what is emulated: python -m local.stripe.inventory --write docs/local-stripe.md -->"
END = "<!-- end of what is emulated -->"
HEAD = "| What | Calls | Parameters that are refused |\n|---|---|---|\n"


def operations() -> list[Operation]:
    return [*ROUTES.exact.values(), *(operation for _, _, operation in ROUTES.patterns)]


def table() -> str:
    """A row for each module of resources, in the order of their paths."""
    modules: dict[str, list[Operation]] = {}
    for operation in sorted(operations(), key=lambda one: (one.path, one.method)):
        modules.setdefault(operation.handler.__module__, []).append(operation)
    rows = [f"| {_title(name)} | {_calls(of)} | {_refused(of)} |" for name, of in modules.items()]
    return HEAD + "\n".join(rows) + "\n"


def _title(module: str) -> str:
    """The first sentence of the module's own description, with its page as a link."""
    said = " ".join((sys.modules[module].__doc__ or "").split("\n\n")[0].split())
    said = said.replace("``", "`").removesuffix(".")
    return re.sub(r"\((https://[^)]+)\)", lambda found: f"({_links(found[1])})", said)


def _links(addresses: str) -> str:
    return ", ".join(f"[{one.rpartition('/')[2]}]({one})" for one in addresses.split(", "))


def _calls(operations: list[Operation]) -> str:
    return "<br>".join(f"`{one.name}`" for one in operations)


def _refused(operations: list[Operation]) -> str:
    """What Stripe's library knows and we refuse by name; `in part` is a hash of which some fields are refused."""
    refused: set[str] = set()
    partly: set[str] = set()
    for one in operations:
        if one.emulated and one.params:
            known = fields(one.params).keys() - {"expand"}
            refused |= known - one.emulated.keys()
            partly |= {name for name in known & one.emulated.keys() if one.emulated[name]}
    parts = []
    if refused:
        parts.append(", ".join(f"`{name}`" for name in sorted(refused)))
    if partly:
        parts.append("in part: " + ", ".join(f"`{name}`" for name in sorted(partly)))
    return "; ".join(parts) or "none"


def written(document: str) -> str:
    """The document with the table of today."""
    before, _, rest = document.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"The document lacks the marks:\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="local.stripe.inventory", description=__doc__)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    if given.write is None:
        sys.stdout.write(table())
    else:
        given.write.write_text(written(given.write.read_text()))


if __name__ == "__main__":
    main()
