"""A card comes to its end: the customer hears of it on the first of its last month and before a charge that it would
miss, each once, and not when there is nothing to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lifecycle.expiring_cards import card_expires_at
from lifecycle.facts import Card
from tests.fixtures.books import contradictions, differences
from tests.fixtures.worlds import Customer, World, today


def expiring_in(months: int) -> dict[str, int]:
    """What is printed on a card that expires at the end of the month so many months ahead."""
    years, month = divmod(today().month - 1 + months, 12)
    return {"exp_month": month + 1, "exp_year": today().year + years}


async def card(world: World, **printed: int) -> str:
    made: Any = {"type": "card", "card": {"number": "4242424242424242", "cvc": "123", **printed}}
    return (await world.stripe.v1.payment_methods.create_async(made)).id


async def pays_with(world: World, months: int, **how: Any) -> Customer:
    """A customer whose card expires at the end of the month so many months ahead."""
    ada = await world.customer()
    method = await card(world, **expiring_in(months))
    answer = await ada.subscribe(card=method, **{"trial_period_days": 0, **how})
    assert answer.status_code == 201, answer.text
    await ada.settled()
    return ada


async def heard_of_it(ada: Customer) -> list[datetime]:
    """When, by the customer's clock; each line has its letter."""
    answer = await ada.ask("GET", "/subscriptions/me/timeline?limit=100")
    lines = [line for line in answer.json()["entries"] if line["entry"] == "card_expiring"]
    assert (await ada.letters()).count("card_expiring") == len(lines)
    return [datetime.fromisoformat(line["at"]) for line in lines]


async def next_charge(ada: Customer) -> datetime:
    return datetime.fromisoformat((await ada.mine())["current_period_ends_at"])


async def test_a_yearly_customer_hears_in_the_last_month_and_again_before_the_charge(world: World) -> None:
    ada = await pays_with(world, 4, interval="year")
    charge = await next_charge(ada)
    printed = expiring_in(4)

    await ada.travel(days=364)

    in_the_last_month, before_the_charge = await heard_of_it(ada)
    first = datetime(printed["exp_year"], printed["exp_month"], 1, tzinfo=UTC)
    assert timedelta(0) <= in_the_last_month - first < timedelta(hours=2)
    assert timedelta(0) <= before_the_charge - (charge - timedelta(days=7)) < timedelta(hours=2)
    assert await differences(world, ada) == []
    assert await contradictions(world, ada) == []


async def test_a_monthly_customer_hears_a_week_before_the_charge_that_the_card_would_miss(world: World) -> None:
    ada = await pays_with(world, 0)
    charge = await next_charge(ada)

    await ada.travel(days=25)

    (heard,) = await heard_of_it(ada)
    assert timedelta(days=6, hours=22) < charge - heard <= timedelta(days=7)

    await ada.travel(days=40)
    assert len(await heard_of_it(ada)) == 1, "the bank has renewed a card that it lets us charge"
    assert await contradictions(world, ada) == []


async def test_who_has_another_card_by_then_hears_nothing(world: World) -> None:
    ada = await pays_with(world, 0)
    await ada.travel(days=10)
    await ada.use_card("pm_card_mastercard")
    await ada.settled()

    await ada.travel(days=20)

    assert await heard_of_it(ada) == []


async def test_a_card_that_its_bank_renews_needs_no_letter(world: World) -> None:
    ada = await pays_with(world, 0)
    method = (await ada.stripe_subscription())["default_payment_method"]
    await world.at_stripe(f"/payment_methods/{method}/automatically_update", expiring_in(36))
    await ada.settled()
    assert (await ada.mine())["card"]["exp_year"] == today().year + 3

    await ada.travel(days=30)

    assert await heard_of_it(ada) == []


async def test_a_new_date_that_somebody_types_in_is_seen(world: World) -> None:
    ada = await pays_with(world, 36)
    method = (await ada.stripe_subscription())["default_payment_method"]
    sooner: Any = {"card": expiring_in(0)}
    await world.stripe.v1.payment_methods.update_async(method, sooner)
    await ada.settled()

    await ada.travel(days=25)

    assert len(await heard_of_it(ada)) == 1


async def test_who_leaves_before_the_charge_hears_nothing(world: World) -> None:
    ada = await pays_with(world, 0)
    await ada.ask("DELETE", "/subscriptions")

    await ada.travel(days=40)

    assert await heard_of_it(ada) == []
    assert await ada.letters() == ["welcome", "cancellation_scheduled", "canceled"]


async def test_in_a_trial_the_first_charge_counts(world: World) -> None:
    ada = await pays_with(world, 0, plan="ENTERPRISE", trial_period_days=30)
    charge, printed = await next_charge(ada), expiring_in(0)
    expiry = card_expires_at(Card("", printed["exp_month"], printed["exp_year"]))
    assert expiry is not None

    await ada.travel(days=29)

    assert len(await heard_of_it(ada)) == (charge >= expiry)
    assert "trial_ending" in await ada.letters()
    assert await contradictions(world, ada) == []
