"""Whoever touches somebody else's subscription by command is in the audit, with a reason, and reads it back there."""

import json

import pytest

from tests.fixtures.worlds import World
from tests.stories.test_a_refund import command, paying


@pytest.fixture
def nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "operator-on-this-machine")


@pytest.mark.usefixtures("nothing_of_the_machine")
async def test_an_operators_commands_are_in_the_audit(world: World) -> None:
    ada = await paying(world)
    because = ("--by", "operator-7", "--audit-reason", "ticket 1234")

    for _ in range(2):
        code, said = await command(world, "refund", ada.id, "--amount", "250", "--key", "t-1", *because)
        assert code == 0, said
    await command(world, "policy", ada.id, "--apply", *because)
    await command(world, "reconcile", "--user", ada.id, "--dry-run")
    await command(world, "reconcile", "--user", ada.id)
    code, said = await command(world, "timeline", ada.id, *because)
    assert code == 0, said
    code, said = await command(world, "forget", ada.id, "--yes", *because)
    assert code == 0, said

    rows = await world.rows("select * from billing.audit order by id")
    assert [(row.actor, row.act, row.subject, row.reason) for row in rows] == [
        ("cli:operator-7", "refund", ada.id, "ticket 1234"),
        ("cli:operator-on-this-machine", "reconcile", ada.id, None),
        ("cli:operator-7", "read_timeline", ada.id, "ticket 1234"),
        ("cli:operator-7", "forget", ada.id, "ticket 1234"),
    ], "the same key is one act, a policy that is today's already is not moved, a dry run is none"
    operations = await world.rows("select id from billing.operations where kind in ('refund', 'forget')")
    assert {row.operation_id for row in rows if row.operation_id} == {row.id for row in operations}

    code, said = await command(world, "audit", ada.id)
    assert code == 0
    assert "cli:operator-7  refund" in said
    assert "(ticket 1234)" in said
    code, said = await command(world, "audit", "--actor", "cli:operator-7", "--json")
    assert [json.loads(line)["act"] for line in said.splitlines()] == ["forget", "read_timeline", "refund"]


async def test_a_reason_that_is_none_is_refused_before_anything_happens(world: World) -> None:
    ada = await paying(world)

    code, said = await command(world, "refund", ada.id, "--audit-reason", "x" * 501)

    assert code == 1
    assert said == "--audit-reason is a line of at most 500 characters."
    assert await world.rows("select id from billing.operations where kind = 'refund'") == []
