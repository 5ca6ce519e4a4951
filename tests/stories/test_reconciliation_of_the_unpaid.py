"""What is owed is compared by the invoice that counts, and what is not decided yet is left alone."""

from pathlib import Path

import pytest

from settings import ROOT, Settings
from tests.fixtures.worlds import Mailbox, World, settings_for
from tests.stories.test_reconciliation import dry_run


@pytest.fixture
def world_settings(
    database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox, tmp_path: Path
) -> Settings:
    """Who does not pay stays, without access."""
    file = tmp_path / "plans.toml"
    file.write_text((ROOT / "plans.toml").read_text().replace('after_grace = "cancel"', 'after_grace = "unpaid"'))
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox, plans_file=file)


async def found(world: World) -> list[tuple[str, ...]]:
    return [one.finding.differs for one in await dry_run(world)]


async def test_a_renewal_whose_invoice_is_a_draft_is_no_difference(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    before = (await ada.stripe_subscription())["items"]["data"][0]["current_period_end"]
    await ada.travel(days=31, minutes=10)
    renewed = (await ada.stripe_subscription())["items"]["data"][0]["current_period_end"]

    assert renewed >= before
    assert await found(world) == [()]


async def test_who_owes_an_old_invoice_while_newer_ones_are_drafts_agrees(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    assert await found(world) == [()], "in grace"

    await ada.travel(days=40)

    assert (await ada.mine())["access"]["granted"] is False
    assert await found(world) == [()], "left unpaid, with a draft behind the invoice that is owed"
