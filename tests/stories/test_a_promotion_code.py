"""A customer with a promotion code pays what was promised, and one with a wrong code is told before paying."""

import pytest

from tests.fixtures.books import contradictions
from tests.fixtures.worlds import Customer, World


async def offer(world: World, code: str, **coupon: object) -> None:
    """A fifth off, for three months unless said otherwise."""
    terms = coupon or {"percent_off": 20, "duration": "repeating", "duration_in_months": 3}
    made = await world.stripe.v1.coupons.create_async(terms)  # type: ignore[arg-type]
    promotion = {"type": "coupon", "coupon": made.id}
    await world.stripe.v1.promotion_codes.create_async({"promotion": promotion, "code": code})  # type: ignore[typeddict-item]


async def paid(ada: Customer) -> list[int]:
    return [invoice["amount_paid"] for invoice in await ada.invoices()]


async def test_a_code_is_good_for_as_long_as_it_was_promised(world: World) -> None:
    await offer(world, "SPRING20")
    ada = await world.customer()
    shown = await ada.ask(
        "POST", "/subscriptions/preview", {"plan": "BASIC", "interval": "month", "promotion_code": "spring20"}
    )
    assert shown.json()["next_charge"]["amount"] == 800

    subscribed = await ada.subscribe("BASIC", trial_period_days=0, promotion_code="spring20")
    assert subscribed.status_code == 201, subscribed.text
    await ada.travel(days=124)

    assert await paid(ada) == [800, 800, 800, 1000, 1000]
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize("code", ["UNKNOWN", "SPENT"])
async def test_a_code_that_cannot_be_used_begins_nothing(world: World, code: str) -> None:
    ada = await world.customer()
    if code == "SPENT":
        await offer(world, code, percent_off=20, duration="forever", max_redemptions=1)
        bob = await world.customer("Bob")
        assert (await bob.subscribe("BASIC", trial_period_days=0, promotion_code=code)).status_code == 201

    refused = await ada.subscribe("BASIC", trial_period_days=0, promotion_code=code)

    assert (refused.status_code, refused.json()["code"]) == (422, "promotion_code_invalid")
    assert (await ada.subscribe("BASIC", trial_period_days=0)).status_code == 201, "without the code it goes on"
    await ada.settled()
    assert await paid(ada) == [1000]


async def test_a_code_that_holds_for_ever_holds_after_a_downgrade_too(world: World) -> None:
    await offer(world, "FOREVER20", percent_off=20, duration="forever")
    ada = await world.customer()
    await ada.subscribe("PRO", trial_period_days=0, promotion_code="FOREVER20")
    await ada.travel(days=10)

    asked = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "BASIC"})
    assert asked.status_code == 200, asked.text
    await ada.travel(days=60)

    assert await paid(ada) == [2400, 800, 800]
    assert await contradictions(world, ada) == []
