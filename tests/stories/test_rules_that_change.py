"""The rules of a plan change: who was sold the old ones keeps them until moved by name, even if a workflow is lost."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local.ports import any_free
from local.waiting import until
from settings import ROOT, Settings
from tests.fixtures.books import contradictions, differences
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, World, serving
from worker import make_worker
from workflows.door import workflow_id
from workflows.subscription import SubscriptionWorkflow

DECLINES = "pm_card_chargeCustomerFail"
SHORTER = {
    "version = 2": "version = 3",
    "grace_days = 14": "grace_days = 3",
    "max_payment_attempts = 8": "max_payment_attempts = 1",
}


@pytest.fixture
def todays_settings(world: World, tmp_path: Path) -> Settings:
    """The same installation after its rules were changed: three days of grace instead of fourteen, one try."""
    plans = (ROOT / "plans.toml").read_text()
    for old, new in SHORTER.items():
        assert old in plans
        plans = plans.replace(old, new)
    (tmp_path / "plans.toml").write_text(plans)
    changed = {"plans_file": tmp_path / "plans.toml", "api_port": any_free()}
    return Settings.model_validate(world.settings.model_dump() | changed)


@contextlib.asynccontextmanager
async def released(world: World, settings: Settings) -> AsyncIterator[None]:
    """The worker that knew the old rules stops, one that knows the new ones goes on."""
    assert world.worker is not None
    await world.worker.shutdown()
    async with make_worker(world.client, settings, world.engine, world.stripe):
        yield


async def paying(world: World) -> Customer:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    return ada


async def late(world: World) -> Customer:
    """A customer whose second month was declined."""
    ada = await paying(world)
    await ada.use_card(DECLINES)
    await ada.travel(days=31, hours=2)
    await ada.wait_for_status("past_due")
    return ada


async def version_of(ada: Customer) -> tuple[int, int]:
    """Version and grace, by the workflow and by its row, which say the same."""
    handle = ada.world.client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(ada.id))
    terms = (await handle.query(SubscriptionWorkflow.state)).terms
    (row,) = await ada.world.rows("select policy from billing.subscriptions where user_id = :id", id=ada.id)
    assert terms is not None
    assert (row.policy["version"], row.policy["grace_days"]) == (terms.policy.version, terms.policy.grace_days)
    return terms.policy.version, terms.policy.grace_days


async def test_a_workflow_that_was_lost_goes_on_under_the_rules_it_was_sold_under(
    world: World, todays_settings: Settings
) -> None:
    ada = await late(world)
    async with released(world, todays_settings):
        await world.client.get_workflow_handle(workflow_id(ada.id)).terminate("lost")
        await ada.use_card("pm_card_visa")
        await world.stripe.v1.invoices.pay_async((await ada.invoices())[-1]["id"])

        await ada.wait_for_status("active")

        assert await version_of(ada) == (2, 14)
        assert "recovered" in {row.entry for row in await world.rows("select entry from billing.timeline")}
        assert await differences(world, ada) == []


async def test_only_another_plan_brings_its_rules_of_today(world: World, todays_settings: Settings) -> None:
    ada = await paying(world)
    async with released(world, todays_settings):
        yearly = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "BASIC", "interval": "year"})
        await ada.settled()
        after_another_interval = await version_of(ada)
        other = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "ENTERPRISE", "interval": "year"})
        await ada.settled()

        assert (yearly.status_code, other.status_code) == (200, 200), (yearly.text, other.text)
        assert after_another_interval == (2, 14)
        assert await version_of(ada) == (3, 3)


async def administrator(world: World) -> Customer:
    grace = await world.customer("Grace Hopper")
    async with await psycopg.AsyncConnection.connect(world.database) as connection:
        await connection.execute("""update "user" set role = 'admin' where id = %s""", [grace.id])
    return grace


async def moved(grace: Customer, ada: Customer, settings: Settings, key: str) -> httpx.Response:
    """Asked of an API that knows the new rules."""
    headers = {"Authorization": f"Bearer {grace.user.token}", "Idempotency-Key": key}
    url = f"http://127.0.0.1:{settings.api_port}/billing/admin/users/{ada.id}/policy"
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as http:
        return await http.post(url, headers=headers)


async def test_who_is_late_and_moved_to_shorter_grace_keeps_access_until_the_day_that_was_promised(
    world: World, todays_settings: Settings
) -> None:
    ada, grace = await late(world), await administrator(world)
    promised = (await ada.mine())["grace_ends_at"]
    async with serving(todays_settings):
        answer = await moved(grace, ada, todays_settings, "once")
        again = await moved(grace, ada, todays_settings, "once")
        unchanged = await moved(grace, ada, todays_settings, "twice")

    assert (answer.status_code, again.json()) == (200, answer.json()), answer.text
    assert answer.json()["rules"]["grace_days"] == {"before": "14", "after": "3"}
    assert answer.json()["rules"]["version"] == {"before": "2", "after": "3"}
    assert answer.json()["grace_ends_at"] == promised
    assert (unchanged.status_code, unchanged.json()["code"]) == (409, "policy_unchanged")
    assert await version_of(ada) == (3, 3)
    (line,) = await world.rows("select * from billing.timeline where entry = 'policy_moved'")
    assert (line.detail["by"], line.detail["previous_grace_days"], line.detail["grace_days"]) == (grace.id, "14", "3")

    await ada.travel(days=10)
    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"], mine["grace_ends_at"]) == ("past_due", True, promised)
    await ada.travel(days=5)
    assert (await ada.timeline())[-1] == "gave_up"
    assert await contradictions(world, ada) == []


async def test_a_promise_outlives_the_workflow_that_gave_it(world: World, todays_settings: Settings) -> None:
    ada, grace = await late(world), await administrator(world)
    promised = (await ada.mine())["grace_ends_at"]
    async with serving(todays_settings), released(world, todays_settings):
        await moved(grace, ada, todays_settings, "once")
        await world.client.get_workflow_handle(workflow_id(ada.id)).terminate("lost")
        await ada.ask("POST", "/subscriptions/resume")  # not canceling; but it begins the workflow anew

        async def is_back() -> bool:
            return await world.rows("select 1 from billing.timeline where entry = 'recovered'") != []

        await until(is_back, within=PATIENCE_SECONDS, what="the workflow did not come back")

        assert (await ada.mine())["grace_ends_at"] == promised
        assert await version_of(ada) == (3, 3)


async def command(settings: Settings, *words: str) -> tuple[int, str]:
    """`perennial …` in a process of its own: how it ended and what it said."""
    names = ("database_url", "stripe_api_key", "auth_secret")
    secrets = {name: getattr(settings, name).get_secret_value() for name in names}
    plain: dict[str, Any] = {
        name: getattr(settings, name)
        for name in ("mode", "temporal_address", "temporal_task_queue", "stripe_api_url", "plans_file")
    }
    environment = {f"PERENNIAL_{name.upper()}": str(value) for name, value in (secrets | plain).items()}
    environment["PERENNIAL_DATABASE_URL"] = environment["PERENNIAL_DATABASE_URL"].replace("+psycopg", "")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "cli.py", *words, cwd=ROOT, env=os.environ | environment, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().strip()


async def test_everybody_on_a_plan_is_moved_by_command_after_a_dry_run(world: World, todays_settings: Settings) -> None:
    customers = [await paying(world) for _ in range(3)]
    pro = await world.customer()
    await pro.subscribe("PRO")

    dry = await command(todays_settings, "policy", "--all", "--plan", "BASIC")
    untouched = [await version_of(one) for one in customers]
    one = await command(todays_settings, "policy", customers[0].id, "--apply")
    everybody = await command(todays_settings, "policy", "--all", "--plan", "basic", "--apply")
    repeated = await command(todays_settings, "policy", "--all", "--plan", "BASIC", "--apply")

    assert dry[0] == 1
    assert "3 under version 2: grace_days 14 → 3, max_payment_attempts 8 → 1 (today: version 3)" in dry[1]
    assert "Move 3 with --apply" in dry[1]
    assert untouched == [(2, 14)] * 3
    assert (one[0], "1 moved, to version 3" in one[1]) == (0, True), one
    assert (everybody[0], "2 moved, to version 3" in everybody[1]) == (0, True), everybody
    assert (repeated[0], "moved, to" in repeated[1]) == (0, False), repeated
    assert [await version_of(one) for one in customers] == [(3, 3)] * 3
    assert await version_of(pro) == (2, 14)
    assert await customers[0].letters() == ["welcome"]
    assert await pro.world.travel.now(pro.id) - await world.travel.now(customers[0].id) < timedelta(minutes=5)


async def test_a_subscription_that_is_over_has_no_rules_to_move(world: World, todays_settings: Settings) -> None:
    ada, grace = await paying(world), await administrator(world)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    async with serving(todays_settings):
        over = await moved(grace, ada, todays_settings, "over")
        nobody = await moved(grace, grace, todays_settings, "nobody")
        not_allowed = await moved(ada, ada, todays_settings, "own")

    assert {(one.status_code, one.json()["code"]) for one in (over, nobody)} == {(404, "no_subscription")}
    assert (not_allowed.status_code, not_allowed.json()["code"]) == (403, "forbidden")
    assert (await command(todays_settings, "policy", ada.id))[1] == f"{ada.id} has no running subscription."
