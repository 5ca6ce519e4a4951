"""A customer with a promotion code pays what was promised, and one with a wrong code is told before paying."""

from typing import Any

import httpx
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


async def shown(ada: Customer, **choice: Any) -> dict[str, int]:
    """What the preview says: due now, and charged next."""
    asked = await ada.ask("POST", "/subscriptions/preview", choice)
    assert asked.status_code == 200, asked.text
    return {name: asked.json()[name]["amount"] for name in ("due_now", "next_charge")}


async def mail(ada: Customer) -> dict[str, str]:
    """What was written, by subject."""
    await ada.letters()
    async with httpx.AsyncClient(base_url=ada.world.mailbox, trust_env=False) as http:
        caught = (await http.get("/api/messages", params={"to": ada.user.email})).json()
    return {letter["subject"]: letter["text"] for letter in caught}


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


@pytest.mark.parametrize(
    ("duration", "second"),
    [
        ({"duration": "forever"}, 1500),
        ({"duration": "repeating", "duration_in_months": 2}, 1500),
        ({"duration": "repeating", "duration_in_months": 1}, 3000),
        ({"duration": "once"}, 3000),
    ],
    ids=["forever", "two-months", "one-month", "once"],
)
async def test_who_has_had_the_trial_is_shown_both_charges_that_follow(
    world: World, duration: dict[str, Any], second: int
) -> None:
    code = "-".join(map(str, duration.values()))
    await offer(world, code, percent_off=50, **duration)
    ada = await world.customer()
    await ada.subscribe("BASIC")
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()

    promised = await shown(ada, plan="PRO", promotion_code=code)
    await ada.subscribe("PRO", trial_period_days=0, promotion_code=code)
    await ada.travel(days=32)

    assert promised == {"due_now": 1500, "next_charge": second}
    assert (await paid(ada))[-2:] == [1500, second]


async def test_a_team_with_a_code_is_shown_what_its_seats_will_cost(world: World) -> None:
    await offer(world, "TEAM50", percent_off=50, duration="forever")
    ada = await world.customer()
    await ada.subscribe("PRO", trial_period_days=0, quantity=5, promotion_code="TEAM50")
    await ada.travel(days=10)

    fewer, more = await shown(ada, plan="PRO", quantity=3), await shown(ada, plan="PRO", quantity=6)
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "quantity": 6})
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "quantity": 3})
    as_before = await shown(ada, plan="PRO", quantity=6)
    await ada.travel(days=25)

    assert fewer == {"due_now": 0, "next_charge": 4500}
    assert (more["next_charge"], as_before) == (9000, {"due_now": 0, "next_charge": 9000})
    assert await paid(ada) == [7500, more["due_now"], 4500]


async def test_a_code_that_is_over_by_then_takes_nothing_off_what_is_shown(world: World) -> None:
    await offer(world, "MONTH50", percent_off=50, duration="repeating", duration_in_months=1)
    ada = await world.customer()
    await ada.subscribe("PRO", trial_period_days=0, promotion_code="MONTH50")
    await ada.travel(days=10)

    assert await shown(ada, plan="BASIC") == {"due_now": 0, "next_charge": 1000}
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "BASIC"})
    await ada.travel(days=25)
    assert await paid(ada) == [1500, 1000]


async def test_a_code_of_a_trial_is_in_what_another_plan_will_cost(world: World) -> None:
    await offer(world, "FIRST50", percent_off=50, duration="once")
    ada = await world.customer()
    await ada.subscribe("BASIC", promotion_code="FIRST50")

    assert await shown(ada, plan="PRO") == {"due_now": 0, "next_charge": 1500}
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"})
    await ada.travel(days=15)
    assert (await paid(ada))[-1] == 1500


async def test_a_change_of_plan_takes_no_code(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")

    asked = await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO", "promotion_code": "UNKNOWN"})

    assert (asked.status_code, asked.json()["code"]) == (422, "promotion_code_invalid")
    assert "a change of plan takes none" in asked.json()["detail"]


async def test_letters_of_a_trial_with_a_code_do_not_promise_the_full_price(world: World) -> None:
    await offer(world, "YEN50", percent_off=50, duration="once")
    ada = await world.customer()
    await ada.subscribe("BASIC", currency="jpy", promotion_code="YEN50")
    await ada.travel(days=15)

    assert (await paid(ada))[-1] == 750
    letters = await mail(ada)
    assert len(letters) == 2
    for text in letters.values():
        assert "¥1,500 per month before discounts" in text

    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "BASIC", "interval": "year"})
    await ada.settled()
    (changed,) = [text for subject, text in (await mail(ada)).items() if subject not in letters]
    assert "¥15,000 per year\n" in changed, "the code was good for one payment"
