"""What a request holds is let go of when it ends, and nothing breaks when that cannot be written down."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from api.holding import holding
from database.session import make_engine
from local.ports import HOST, any_free
from tests.api.conftest import make_settings


async def test_a_database_that_leaves_after_the_answer_breaks_nothing() -> None:
    engine = make_engine(make_settings(f"postgresql://nobody@{HOST}:{any_free()}/none"))
    request = cast(Any, SimpleNamespace(state=SimpleNamespace()))
    held = holding(request, cast(Any, SimpleNamespace(engine=engine)))
    await anext(held)
    request.state.hold.operation_id = uuid4()

    with pytest.raises(StopAsyncIteration):
        await anext(held)
    await engine.dispose()
