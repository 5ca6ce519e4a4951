"""Requests that nobody would write: every parameter that Stripe's library knows, with values by chance."""

import random
import typing
from typing import Any

from typing_extensions import is_typeddict

from local.stripe.protocol.parameters import fields
from local.stripe.routing import Operation

TEXTS = ["", "usd", "eur", "month", "pm_card_visa", "pm_card_chargeCustomerFail", "https://a.b", "a@b.co", "1.5", "🙂"]
NUMBERS = ["0", "1", "-1", "5", "100", "1767225600", "1800000000", "99999999999", "9" * 18]


class OddRequests:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ids: dict[str, list[str]] = {}

    def learn(self, shown: Any) -> None:
        """Remember every id that was shown, to ask for it later."""
        if isinstance(shown, list):
            for one in shown:
                self.learn(one)
        elif isinstance(shown, dict):
            id, kind = shown.get("id"), shown.get("object")
            if isinstance(id, str) and kind and id not in self.ids.setdefault(kind, []):
                self.ids[kind].append(id)
            self.learn(list(shown.values()))

    def of(self, operation: Operation) -> tuple[str, dict[str, str]]:
        """An address and a form; of parameters that are refused by name only the others."""
        path = "/".join(self._id(operation.path) if "{" in step else step for step in operation.path.split("/"))
        given: Any = self._hash(operation.params, 0.2, 1) if operation.params else {}
        form: list[tuple[str, str]] = []
        _flatten(_only(given, operation.emulated), "", form)
        return path, dict(form)

    def _id(self, path: str) -> str:
        """Mostly one of the kind that the path is about."""
        room = path.replace("_", "")
        fitting = [
            id for kind, ids in self.ids.items() if kind.split(".")[-1].replace("_", "")[:6] in room for id in ids
        ]
        anything = [id for ids in self.ids.values() for id in ids]
        return self.chance.choice(fitting if fitting and self.chance.random() < 0.8 else anything)

    def _hash(self, params: type, odds: float, depth: int) -> dict[str, Any]:
        known = fields(params).items()
        chosen = [(name, hint) for name, (hint, needed) in known if needed or self.chance.random() < odds]
        return {name: self._value(hint, depth + 1) for name, hint in chosen if name != "expand"}

    def _value(self, hint: Any, depth: int) -> Any:
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Literal:
            return self.chance.choice(inner)
        if origin is list:
            return [self._value(inner[0], depth) for _ in range(self.chance.randint(0, 2))]
        if origin is dict:
            return {name: self._value(inner[1], depth) for name in self.chance.sample(["a", "b", "k" * 41], 1)}
        if inner:
            return self._value(self.chance.choice(inner), depth)
        if is_typeddict(hint):
            return self._hash(hint, 0.25 if depth < 4 else 0.05, depth)
        if hint is bool:
            return self.chance.choice(["true", "false"])
        ids = [self.chance.choice(ids) for ids in self.ids.values()]
        return self.chance.choice(NUMBERS if hint in (int, float) else TEXTS + ids)


def _only(given: Any, emulated: Any) -> Any:
    if isinstance(given, list):
        return [_only(one, emulated) for one in given]
    if isinstance(given, dict) and emulated:
        return {name: _only(value, emulated.get(name)) for name, value in given.items() if name in emulated}
    return given


def _flatten(given: Any, name: str, into: list[tuple[str, str]]) -> None:
    if isinstance(given, dict | list):
        for key, value in given.items() if isinstance(given, dict) else enumerate(given):
            _flatten(value, f"{name}[{key}]" if name else str(key), into)
    else:
        into.append((name, str(given)))
