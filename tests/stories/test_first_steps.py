"""A customer begins."""

from tests.fixtures.worlds import World


async def test_a_trial_begins_and_the_customer_is_welcomed(world: World) -> None:
    ada = await world.customer()

    answer = await ada.subscribe("BASIC", card=None)

    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "trialing"
    await ada.settled()
    assert await ada.timeline() == ["trial_started"]
    assert await ada.letters() == ["welcome"]


async def test_a_customer_who_wants_no_trial_is_charged_at_once(world: World) -> None:
    ada = await world.customer()

    answer = await ada.subscribe("BASIC", trial_period_days=0)

    assert answer.json()["status"] == "active", answer.text
    assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [1000]
    await ada.settled()
    assert await ada.timeline() == ["subscribed"]


async def test_a_declined_card_begins_nothing_and_another_one_may_be_tried(world: World) -> None:
    ada = await world.customer()

    declined = await ada.subscribe("BASIC", card="pm_card_chargeCustomerFail", trial_period_days=0)
    accepted = await ada.subscribe("BASIC", card="pm_card_visa", trial_period_days=0)

    assert declined.status_code == 402, declined.text
    assert accepted.status_code == 201, accepted.text
    await ada.settled()
    assert await ada.status() == "active"
    assert sum(invoice["amount_paid"] for invoice in await ada.invoices()) == 1000


async def test_a_trial_without_a_card_ends_without_a_charge(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", card=None)

    await ada.travel(days=15)

    assert await ada.status() == "canceled"
    assert sum(invoice["amount_paid"] for invoice in await ada.invoices()) == 0
    assert await ada.timeline() == ["trial_started", "trial_ending", "trial_ended_without_card"]
    assert await ada.letters() == ["welcome", "trial_ending", "canceled"]
