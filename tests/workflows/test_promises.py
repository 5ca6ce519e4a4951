"""Promised commands are asked again: each under its own name, none in the way of another."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from database.operations import begin_operation, complete_operation
from database.promises import promise
from database.session import make_engine
from lifecycle.intents import Cancel, Intent, Outcome, Request, Result, Resume, Subscribe
from lifecycle.plans import Interval, load_catalogue
from lifecycle.refusals import Refusal, RefusalCode
from settings import ROOT
from tests.api.conftest import make_settings
from tests.fixtures.databases import setting_up
from workflows import promises as promises_module
from workflows.door import Unavailable
from workflows.promises import Promises

SUBSCRIBE = Subscribe(load_catalogue(ROOT / "plans.toml").terms("PRO", Interval.YEAR), trial_days=3)


class Workflows:
    """The door with memory; it is shut for some users."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Request]] = []
        self.says: dict[str, Exception | Outcome | None] = {}

    async def ask(self, user_id: str, request: Request, deadline: float) -> Outcome | None:
        self.asked.append((user_id, request))
        answer = self.says.get(user_id)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(make_settings(database))
    yield engine
    await engine.dispose()


async def promised(engine: AsyncEngine, user_id: str, intent: Intent, *, ago: float = 60) -> UUID:
    operation = await begin_operation(engine, user_id, None, intent.kind, "f")
    await promise(engine, operation.id, intent)
    async with setting_up(engine) as connection:
        await connection.execute(
            text(
                "update billing.operations set asked_at = now() - make_interval(secs => :ago),"
                " promised_at = now() - make_interval(secs => :ago) where id = :id"
            ),
            {"ago": ago, "id": operation.id},
        )
    return operation.id


async def keep(engine: AsyncEngine, door: Workflows) -> int:
    return int(await ActivityEnvironment().run(Promises(engine, door).keep))


async def ended(engine: AsyncEngine, operation_id: UUID) -> Any:
    query = text("select status, result from billing.operations where id = :id")
    async with engine.connect() as connection:
        return (await connection.execute(query, {"id": operation_id})).one()


async def test_what_was_asked_is_asked_again_as_it_was(engine: AsyncEngine) -> None:
    door = Workflows()
    operation_id = await promised(engine, "ada", SUBSCRIBE)

    assert await keep(engine, door) == 0
    assert await keep(engine, door) == 0, "at once again"

    assert door.asked == [("ada", Request(str(operation_id), SUBSCRIBE))]


async def test_only_promises_that_are_due_and_pending_are_asked(engine: AsyncEngine) -> None:
    door = Workflows()
    await promised(engine, "young", Cancel(), ago=20)
    done = await promised(engine, "done", Cancel())
    await complete_operation(engine, done, "succeeded")
    await begin_operation(engine, "told-to-come-again", None, "cancel", "f")

    await keep(engine, door)

    assert door.asked == []


async def test_a_refusal_at_the_door_closes_the_operation(engine: AsyncEngine) -> None:
    door = Workflows()
    door.says["ada"] = Refusal(RefusalCode.NOT_CANCELING, "Nothing to undo.")
    operation_id = await promised(engine, "ada", Resume())

    assert await keep(engine, door) == 1

    row = await ended(engine, operation_id)
    assert row.status == "refused"
    assert (row.result["code"], row.result["detail"]) == ("not_canceling", "Nothing to undo.")


async def test_one_that_cannot_be_asked_stops_nobody(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises_module, "BATCH", 2)
    door = Workflows()
    door.says |= {"away": Unavailable(), "broken": ValueError(), "eve": Outcome(Result.DONE)}
    for place, user_id in enumerate(("unreadable", "away", "broken")):
        await promised(engine, user_id, Cancel(), ago=900 - place)
    async with setting_up(engine) as connection:
        strange = """update billing.operations set intent = '{"kind": "teleport"}' where user_id = 'unreadable'"""
        await connection.execute(text(strange))
    await promised(engine, "eve", Cancel())

    assert await keep(engine, door) == 1

    assert [user_id for user_id, _ in door.asked] == ["away", "broken", "eve"]


async def test_who_left_and_came_back_is_asked_in_that_order(engine: AsyncEngine) -> None:
    door = Workflows()
    await promised(engine, "ada", Resume(), ago=60)
    await promised(engine, "ada", Cancel(), ago=90)

    await keep(engine, door)

    assert [request.intent for _, request in door.asked] == [Cancel(), Resume()]
