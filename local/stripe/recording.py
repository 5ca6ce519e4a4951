"""What was asked and shown, bounded, so that a test can check every shape."""

from collections import deque
from typing import Any

import orjson

from .events import Logged
from .routing import Operation

EACH = 60
"""How many of each kind are remembered; the first and the latest say most."""


class Recording:
    def __init__(self) -> None:
        self.requests: dict[str, deque[bytes]] = {}
        self.answers: dict[str, deque[bytes]] = {}
        self.events: dict[str, deque[bytes]] = {}

    def request(self, operation: Operation, params: dict[str, Any]) -> None:
        kept = self.requests.setdefault(operation.name, deque(maxlen=EACH))
        kept.append(orjson.dumps({"params_type": _type_name(operation.params), "params": params}))

    def answer(self, operation: Operation, content: bytes) -> None:
        self.answers.setdefault(operation.name, deque(maxlen=EACH)).append(content)

    def happened(self, events: list[Logged]) -> None:
        for logged in events:
            if logged.body:
                kept = self.events.setdefault(logged.type, deque(maxlen=EACH))
                kept.append(logged.body[:-1] + b',"pending_webhooks":0}')

    def as_json(self) -> dict[str, Any]:
        return {
            "requests": [
                {"operation": name, **orjson.loads(one)} for name, requests in self.requests.items() for one in requests
            ],
            "objects": [
                {"from": name, "object": orjson.loads(content)}
                for source in (self.answers, self.events)
                for name, contents in source.items()
                for content in contents
            ],
        }


def _type_name(params: type | None) -> str | None:
    return f"{params.__module__}.{params.__name__}" if params else None
