"""Whoever touches somebody else's subscription by command is in the audit, with a reason, and reads it back there."""

import json
from uuid import uuid4

import pytest

from commands.acknowledge import FLAGGED
from lifecycle.events import RECONCILED, EventHint
from local.ports import HOST, any_free
from local.waiting import until
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, World
from tests.stories.test_a_refund import command, paying
from workflows.door import workflow_id
from workflows.subscription import SubscriptionWorkflow


@pytest.fixture
def nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "operator-on-this-machine")


async def is_flagged(world: World, ada: Customer) -> None:
    """A reconciliation has found a difference that stays."""
    own = str((await ada.stripe_subscription())["id"])
    hint = EventHint(f"reconciliation/{uuid4()}", RECONCILED, own, differs="amount", in_vain=True)
    handle = world.client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(ada.id))
    await handle.signal(SubscriptionWorkflow.stripe_events, [hint])
    await until(ada.concern, within=PATIENCE_SECONDS, what="nobody was called")


@pytest.mark.usefixtures("nothing_of_the_machine")
async def test_an_operators_commands_are_in_the_audit(world: World) -> None:
    ada = await paying(world)
    because = ("--by", "operator-7", "--audit-reason", "ticket 1234")

    for _ in range(2):
        code, said = await command(world, "refund", ada.id, "--amount", "250", "--key", "t-1", *because)
        assert code == 0, said
    await command(world, "policy", ada.id, "--apply", *because)
    code, said = await command(world, "reconcile", "--user", ada.id, "--dry-run")
    assert code == 0, said
    code, said = await command(world, "plans", "push", *because)
    assert code == 0, said
    code, said = await command(world, "reconcile", "--user", ada.id)
    assert code == 0, said
    code, said = await command(world, "timeline", ada.id, *because)
    assert code == 0, said
    code, said = await command(world, "forget", ada.id, "--yes", *because)
    assert code == 0, said

    rows = await world.rows("select * from billing.audit order by id")
    assert [(row.actor, row.act, row.subject, row.reason) for row in rows] == [
        ("cli:operator-7", "refund", ada.id, "ticket 1234"),
        ("cli:operator-on-this-machine", "reconcile", ada.id, None),
        ("cli:operator-7", "push_plans", None, "ticket 1234"),
        ("cli:operator-on-this-machine", "reconcile", ada.id, None),
        ("cli:operator-7", "read_timeline", ada.id, "ticket 1234"),
        ("cli:operator-7", "forget", ada.id, "ticket 1234"),
    ], "the same key is one act, a policy that is today's already is not moved"
    operations = await world.rows("select id from billing.operations where kind in ('refund', 'forget')")
    assert {row.operation_id for row in rows if row.operation_id} == {row.id for row in operations}

    code, said = await command(world, "audit", ada.id)
    assert code == 0
    assert "cli:operator-7  refund" in said
    assert "(ticket 1234)" in said
    code, said = await command(world, "audit", "--actor", "cli:operator-7", "--json")
    assert [json.loads(line)["act"] for line in said.splitlines()] == [
        "forget",
        "read_timeline",
        "push_plans",
        "refund",
    ]


async def test_a_reason_that_is_none_is_refused_before_anything_happens(world: World) -> None:
    ada = await paying(world)

    code, said = await command(world, "refund", ada.id, "--audit-reason", "x" * 501)

    assert code == 1
    assert said == "--audit-reason is a line of at most 500 characters."
    assert await world.rows("select id from billing.operations where kind = 'refund'") == []


async def test_an_act_that_failed_is_in_the_audit_too(world: World) -> None:
    nowhere = f"http://{HOST}:{any_free()}"

    code, said = await command(world, "plans", "push", "--by", "operator-7", stripe_api_url=nowhere)

    assert code == 1
    assert said.startswith("Stripe is away: APIConnectionError")
    assert await world.rows("select actor, act from billing.audit") == [("cli:operator-7", "push_plans")]


@pytest.mark.usefixtures("nothing_of_the_machine")
async def test_who_takes_a_flag_away_is_in_timeline_and_audit(world: World) -> None:
    ada, bob = await paying(world), await world.customer()
    await is_flagged(world, ada)

    code, said = await command(world, "acknowledge", ada.id, bob.id, "--by", "operator-7", "--audit-reason", "ticket 1")
    await ada.settled()

    assert (code, said.splitlines()) == (1, [f"{ada.id}: acknowledged", f"No running subscription: {bob.id}."])
    assert await ada.concern() is None
    rows = await world.rows("select * from billing.audit order by id")
    assert [(row.actor, row.act, row.subject, row.reason) for row in rows] == [
        ("cli:operator-7", "acknowledge", ada.id, "ticket 1"),
        ("cli:operator-7", "acknowledge", bob.id, "ticket 1"),
    ]
    (line,) = await world.rows("select * from billing.timeline where entry = 'acknowledged'")
    assert (line.user_id, line.cause_id) == (ada.id, "operator-7")

    await is_flagged(world, ada)

    async def is_shown() -> bool:
        return ada.id in [
            found.id.removeprefix(workflow_id("")) async for found in world.client.list_workflows(FLAGGED)
        ]

    await until(is_shown, within=PATIENCE_SECONDS, what="Temporal does not show the flag")
    code, said = await command(world, "acknowledge", "--all")
    await ada.settled()
    assert (code, f"{ada.id}: acknowledged" in said) == (0, True), said
    assert await ada.concern() is None
    history = (await world.client.get_workflow_handle(workflow_id(ada.id)).fetch_history()).to_json()
    assert "operator-on-this-machine" not in history
    signals = [event.get("workflowExecutionSignaledEventAttributes", {}) for event in json.loads(history)["events"]]
    by = [signal["identity"] for signal in signals if signal.get("signalName") == "acknowledge"]
    assert by == ["perennial-cli", "perennial-cli"], "and not on whose machine it was typed"


@pytest.mark.parametrize(
    "by", ["ada@example.org", "", "two words", "x\ncli:boss"], ids=["address", "none", "words", "lines"]
)
async def test_an_operator_is_named_by_an_id(world: World, by: str) -> None:
    code, said = await command(world, "plans", "push", "--by", by)

    assert (code, said.startswith("--by is an id")) == (1, True), said
    assert await world.rows("select 1 from billing.audit") == []
