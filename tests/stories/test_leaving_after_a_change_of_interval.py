"""Who changed the interval, or has credit from unused time, and then leaves at once: what we keep of their money is
what the time that they used costs, whether it was paid by card or with the credit."""

from typing import Any

import pytest

from tests.fixtures.books import contradictions, differences
from tests.fixtures.worlds import Customer, World
from tests.stories.test_a_promotion_code import offer
from tests.stories.test_a_refund import administrator, given_back, refund
from tests.stories.test_leaving_with_a_refund import leaves, line, rule, shown, world_settings  # noqa: F401  fixtures

YEAR = 10000 / 365
"""A day of BASIC per year."""


async def moves(ada: Customer, plan: str, interval: str | None = None, **more: Any) -> None:
    asked = {"plan": plan} | ({"interval": interval} if interval else {}) | more
    answer = await ada.ask("PATCH", "/subscriptions/plan", asked)
    assert answer.status_code == 200, answer.text
    await ada.settled()


async def somebody_changes(ada: Customer, **item: Any) -> None:
    """In Stripe's dashboard, with a credit for the unused time."""
    subscription = await ada.stripe_subscription()
    changed = {"id": subscription["items"]["data"][0]["id"]} | item
    params: Any = {"items": [changed], "proration_behavior": "always_invoice"}
    await ada.world.stripe.v1.subscriptions.update_async(subscription["id"], params)
    await ada.settled()


async def paid_for_a_year_then_monthly(world: World) -> Customer:
    """100.00 for a year of BASIC, and a day later on PRO per month: most of the year is credit now."""
    ada = await world.customer()
    await ada.subscribe("BASIC", interval="year", trial_period_days=0)
    await ada.travel(days=1)
    await moves(ada, "PRO", "month")
    assert await credit(ada) == 10000 - round(YEAR) - 3000
    return ada


async def credit(ada: Customer) -> int:
    """What Stripe keeps for the customer's next invoices."""
    customer = await ada.world.stripe.v1.customers.retrieve_async(await ada.stripe_customer_id())
    return -customer.balance


async def charged(ada: Customer) -> int:
    return sum(invoice["amount_paid"] for invoice in await ada.invoices())


async def we_keep(ada: Customer) -> int:
    """Of what was charged, what is neither refunded nor the customer's credit."""
    return await charged(ada) - sum(await given_back(ada)) - await credit(ada)


async def month_used(ada: Customer, price: int) -> float:
    """What the used part of the last month costs."""
    subscription = await ada.stripe_subscription()
    item = subscription["items"]["data"][0]
    whole = item["current_period_end"] - item["current_period_start"]
    return float(price * (subscription["ended_at"] - item["current_period_start"]) / whole)


async def test_credit_that_the_customer_keeps_is_not_also_refunded(world: World) -> None:
    ada = await paid_for_a_year_then_monthly(world)
    kept = await credit(ada)
    await ada.travel(days=1)
    before = (await shown(ada))["refund"]["amount"]

    await leaves(ada)
    await ada.settled()

    assert await credit(ada) == kept
    assert await we_keep(ada) == pytest.approx(YEAR + await month_used(ada, 3000), abs=2)
    assert before == pytest.approx(sum(await given_back(ada)), abs=1)
    assert before > 2500, "the month that the credit had paid for"
    assert (await line(ada, "refunded"))["detail"]["kept_as_credit"] == f"{kept} usd"
    assert await differences(world, ada) == []
    assert await contradictions(world, ada) == []


async def test_months_that_credit_paid_for_are_used_and_the_last_goes_back_from_both_charges(world: World) -> None:
    ada = await paid_for_a_year_then_monthly(world)
    await ada.travel(days=95)
    assert await credit(ada) == 0
    before = (await shown(ada))["refund"]["amount"]

    await leaves(ada)
    await ada.settled()

    from_the_year, from_the_month = await given_back(ada)
    assert from_the_month == (await ada.invoices())[-1]["amount_paid"], "the newest charge first"
    assert before == pytest.approx(from_the_year + from_the_month, abs=1)
    assert await we_keep(ada) == pytest.approx(YEAR + 3 * 3000 + await month_used(ada, 3000), abs=3)
    assert await contradictions(world, ada) == []


async def test_credit_that_outlasts_the_year_it_came_from_still_counts_as_paid(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("PRO", interval="year", trial_period_days=0)
    (monthly,) = (await world.stripe.v1.prices.list_async({"lookup_keys": ["basic_month"]})).data
    await somebody_changes(ada, price=monthly.id)
    await ada.travel(days=400)
    kept = await credit(ada)
    assert kept == pytest.approx(30000 - 14 * 1000, abs=1)

    await leaves(ada)
    await ada.settled()

    assert await credit(ada) == kept
    assert sum(await given_back(ada)) == pytest.approx(1000 - await month_used(ada, 1000), abs=1)


@pytest.mark.parametrize("rule", ["full"], indirect=True)
async def test_who_comes_back_on_credit_and_leaves_again_gets_back_the_money_that_it_was(world: World) -> None:
    ada = await paid_for_a_year_then_monthly(world)
    await leaves(ada)
    await ada.settled()
    assert await given_back(ada) == [3000]
    await ada.subscribe("PRO", trial_period_days=0)
    await ada.settled()
    assert (await ada.invoices())[-1]["amount_paid"] == 0
    assert (await shown(ada))["refund"]["amount"] == 3000

    await leaves(ada)
    await ada.settled()

    assert sum(await given_back(ada)) == 6000
    assert await we_keep(ada) == round(YEAR)
    assert await contradictions(world, ada) == []


async def test_credit_that_was_a_present_is_not_refunded(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await world.stripe.v1.customers.update_async(await ada.stripe_customer_id(), {"balance": -600})
    await ada.travel(days=41)
    assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [1000, 400]

    await leaves(ada)
    await ada.settled()

    assert sum(await given_back(ada)) == pytest.approx(400 - await month_used(ada, 400), abs=1)
    assert await contradictions(world, ada) == []


async def test_the_rest_of_a_month_that_went_into_a_year_goes_back_with_it(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.travel(days=10)
    await moves(ada, "BASIC", "year")
    went_into_the_year = 1000 + 10000 - await charged(ada)
    await ada.travel(days=1)
    before = (await shown(ada))["refund"]["amount"]

    await leaves(ada)
    await ada.settled()

    assert before == pytest.approx(10000 - YEAR, abs=2)
    assert await we_keep(ada) == pytest.approx(1000 - went_into_the_year + YEAR, abs=2)
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize("rule", ["full"], indirect=True)
@pytest.mark.parametrize(("currency", "year"), [("usd", 10000), ("jpy", 15000)])
async def test_all_of_a_year_goes_back_with_what_the_month_had_paid_of_it(
    world: World, currency: str, year: int
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0, currency=currency)
    await ada.travel(days=10)
    await moves(ada, "BASIC", "year")
    assert await charged(ada) > year
    await ada.travel(days=1)
    assert (await shown(ada))["refund"] == {"amount": year, "currency": currency}

    await leaves(ada)
    await ada.settled()

    assert sum(await given_back(ada)) == year
    assert await contradictions(world, ada) == []


async def test_seats_that_were_paid_from_credit_go_back_from_the_charge_before(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("PRO", trial_period_days=0, quantity=3)
    await ada.travel(days=10)
    await somebody_changes(ada, quantity=1)
    await moves(ada, "PRO", quantity=2)
    kept = await credit(ada)
    assert kept > 1800
    await ada.travel(days=5)
    before = (await shown(ada))["refund"]["amount"]

    await leaves(ada)
    await ada.settled()

    (back,) = await given_back(ada)
    assert before == pytest.approx(back, abs=1)
    assert back == pytest.approx(6000 - await month_used(ada, 6000), abs=2)
    assert await credit(ada) == kept
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize("rule", ["full"], indirect=True)
async def test_never_more_goes_back_than_a_code_and_an_earlier_refund_left(world: World) -> None:
    await offer(world, "ONCE25", percent_off=25, duration="once")
    ada, grace = await world.customer(), await administrator(world)
    await ada.subscribe("PRO", trial_period_days=0, quantity=2, promotion_code="ONCE25")
    await ada.travel(days=12)
    await moves(ada, "PRO", quantity=4)
    await refund(grace, ada, amount=1000)

    await leaves(ada)
    await ada.settled()

    assert sum(await given_back(ada)) == await charged(ada)
    assert await contradictions(world, ada) == []
