"""A whole life, from the trial to the farewell."""

from tests.fixtures.worlds import World


async def test_a_card_that_dies_after_the_first_months_and_a_customer_who_comes_back(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=14)
    await ada.travel(days=14, hours=2)
    assert await ada.status() == "active"
    await ada.travel(days=31)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=31)
    past_due = await ada.mine()
    assert past_due["status"] == "past_due"
    assert past_due["access"]["granted"]

    await ada.use_card("pm_card_visa")
    await ada.wait_for_status("active")
    upgraded = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "interval": "month"})
    assert upgraded.status_code == 200, upgraded.text
    canceled = await ada.ask("DELETE", "/subscriptions?timing=period_end&reason=unused")
    assert canceled.json()["cancel_at_period_end"] is True
    await ada.travel(days=31)

    assert await ada.status() == "canceled"
    assert await ada.timeline() == [
        "trial_started",
        "trial_ending",
        "trial_converted",
        "renewed",
        "payment_failed",
        "payment_recovered",
        "plan_changed",
        "cancellation_scheduled",
        "canceled",
    ]
    assert await ada.letters() == [
        "welcome",
        "trial_ending",
        "payment_failed",
        "payment_recovered",
        "plan_changed",
        "cancellation_scheduled",
        "canceled",
    ]


async def test_a_customer_who_never_pays_is_let_go_when_grace_is_over(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    assert await ada.status() == "past_due"

    await ada.travel(days=14)

    assert await ada.status() == "canceled"
    assert (await ada.invoices())[-1]["status"] == "void"
    assert (await ada.stripe_subscription())["status"] == "canceled"
    assert (await ada.timeline())[-1] == "gave_up"
    assert (await ada.letters())[-1] == "canceled"
