"""An operator asks for a comparison, and reads what was found."""

import asyncio

import pytest
from typer.testing import CliRunner

from cli import app
from settings import Settings
from tests.fixtures.worlds import Mailbox, World, settings_for
from tests.stories.test_reconciliation import bend


@pytest.fixture
def world_settings(database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox) -> Settings:
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox)


async def perennial(world: World, *words: str) -> tuple[int, str]:
    """The command, as an operator runs it."""
    settings = world.settings
    environment = {
        "PERENNIAL_MODE": "local",
        "PERENNIAL_DATABASE_URL": world.database,
        "PERENNIAL_TEMPORAL_ADDRESS": settings.temporal_address,
        "PERENNIAL_TEMPORAL_TASK_QUEUE": settings.temporal_task_queue,
        "PERENNIAL_STRIPE_API_KEY": settings.stripe_api_key.get_secret_value(),
        "PERENNIAL_STRIPE_API_URL": str(settings.stripe_api_url),
        "PERENNIAL_AUTH_SECRET": "a-secret-for-tests-only-0123456789abcdef",
        "COLUMNS": "200",
    }
    ended = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=environment)
    return ended.exit_code, ended.output


async def test_an_operator_sees_what_differs_repairs_it_and_sees_that_it_agrees(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await bend(world, ada, "amount = 1")

    code, said = await perennial(world, "reconcile", "--user", ada.id, "--dry-run")
    assert code == 1
    assert "differs" in said
    assert "amount" in said
    assert (await ada.mine())["amount"] == 1

    code, said = await perennial(world, "reconcile", "--all")
    assert code == 1
    assert "repaired" in said
    assert "minutes ago" in said
    assert (await ada.mine())["amount"] == 1000

    code, said = await perennial(world, "reconcile", "--all", "--dry-run")
    assert code == 0, said
    assert "1 compared with Stripe" in said


async def test_an_operator_who_names_nobody_is_told_what_to_do(world: World) -> None:
    code, said = await perennial(world, "reconcile")
    assert (code, said.strip()) == (1, "Name one user with --user, or ask for --all.")

    code, said = await perennial(world, "reconcile", "--user", "nobody")
    assert code == 1
    assert "Neither we nor Stripe have a subscription of nobody." in said
