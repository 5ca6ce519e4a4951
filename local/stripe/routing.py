"""The table of operations: method, path, handler, the SDK's parameter type, and what of it is emulated."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .protocol.errors import StripeError, not_emulated
from .protocol.parameters import Emulated, emulated

HELP = "Please see https://stripe.com/docs or we can help at https://support.stripe.com/."
Handler = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    handler: Handler
    params: type | None
    emulated: Emulated

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class Routes:
    """Each resource module adds its operations here."""

    def __init__(self) -> None:
        self.exact: dict[tuple[str, str], Operation] = {}
        self.patterns: list[tuple[re.Pattern[str], str, Operation]] = []

    def add(self, method: str, path: str, handler: Handler, params: type | None, emulates: str = "") -> None:
        """``emulates`` names the parameters we act on; without it all that the SDK knows are accepted."""
        operation = Operation(method, path, handler, params, emulated(emulates))
        if "{" not in path:
            self.exact[(method, path)] = operation
            return
        pattern = re.compile(re.sub(r"\{[a-z_]+\}", "([^/]+)", path) + "$")
        self.patterns.append((pattern, method, operation))

    def find(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
        operation = self.exact.get((method, path))
        if operation:
            return operation, ()
        for pattern, wanted, one in self.patterns:
            if wanted == method and (match := pattern.match(path)):
                return one, match.groups()
        raise self._unknown(method, path)

    def _unknown(self, method: str, path: str) -> StripeError:
        if path.startswith(("/v1/", "/v2/")) and method in ("GET", "POST", "DELETE"):
            refusal = not_emulated(f"{method} {path}")
            refusal.status = 404
            return refusal
        return StripeError(404, f"Unrecognized request URL ({method}: {path}). {HELP}", replayable=False)
