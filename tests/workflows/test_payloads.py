"""Empty fields are not written into histories, so every field that may be empty must be so by default."""

import dataclasses
import inspect
import types
import typing
from datetime import UTC, datetime

import pytest

from activities import orders
from lifecycle import events, facts, intents, notifications, plans, subscription
from lifecycle.statuses import Status
from tests.lifecycle.looks import after, paid, trial, unpaid_since
from tests.lifecycle.looks import day as day_number
from workflows import carried
from workflows.payloads import DATA_CONVERTER

ROOMS = [carried, orders, events, facts, intents, notifications, plans, subscription]
WRITTEN = sorted(
    {
        thing
        for room in ROOMS
        for _, thing in inspect.getmembers(room, dataclasses.is_dataclass)
        if inspect.isclass(thing) and thing.__module__ == room.__name__
    },
    key=lambda thing: thing.__qualname__,
)


@pytest.mark.parametrize("kind", WRITTEN, ids=lambda kind: kind.__qualname__)
def test_what_may_be_none_is_none_by_default(kind: type) -> None:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if _may_be_none(hints[field.name]):
            assert field.default is None, f"{kind.__qualname__}.{field.name}"


async def test_a_customer_reads_back_as_it_was_written() -> None:
    for state in (after(trial()), after(paid(), unpaid_since(day_number(31))), subscription.Subscription("ada")):
        whole = carried.Carried(
            state,
            has_begun=True,
            requests=[intents.Request("op", intents.Cancel()), intents.Request("op", intents.Resume())],
            hints=[events.EventHint("evt_1", "invoice.paid")],
            outcomes={"op": intents.Outcome(intents.Result.DONE, status=Status.ACTIVE)},
            now=datetime(2026, 5, 1, tzinfo=UTC),
        )
        [payload] = await DATA_CONVERTER.encode([whole])
        assert b"null" not in payload.data
        assert await DATA_CONVERTER.decode([payload], [carried.Carried]) == [whole]


def _may_be_none(hint: object) -> bool:
    return isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
