"""Customers who want more, or less: charged right, granted when paid, never left between two plans.

https://docs.stripe.com/billing/subscriptions/pending-updates
"""

import httpx
import pytest

from tests.fixtures.books import contradictions
from tests.fixtures.worlds import Customer, World


async def on_basic(world: World, card: str = "pm_card_visa") -> Customer:
    """Paid up on BASIC per month, ten days into the period; the next charge uses this card."""
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    if card != "pm_card_visa":
        await ada.use_card(card)
    await ada.travel(days=10)
    return ada


async def change(ada: Customer, plan: str, interval: str | None = None) -> httpx.Response:
    return await ada.ask("PATCH", "/subscriptions/plan", {"plan": plan} | ({"interval": interval} if interval else {}))


async def open_invoices(ada: Customer) -> list[str]:
    return [invoice["id"] for invoice in await ada.invoices() if invoice["status"] == "open"]


async def confirm(ada: Customer, outcome: str = "succeed") -> None:
    """The customer answers the bank's question."""
    asked = {"customer": await ada.stripe_customer_id(), "limit": 1}
    (intent,) = (await ada.world.stripe.v1.payment_intents.list_async(asked)).data  # type: ignore[arg-type]
    await ada.world.at_stripe(f"/payment_intents/{intent.id}/authenticate", {"outcome": outcome})
    await ada.settled()


async def test_an_upgrade_that_the_bank_asks_about_is_granted_when_it_is_confirmed(world: World) -> None:
    ada = await on_basic(world, "pm_card_authenticationRequired")

    asked = await change(ada, "PRO")
    await ada.settled()

    assert (asked.status_code, asked.json()["code"]) == (402, "action_required")
    action = asked.json()["required_action"]
    assert action["client_secret"]
    assert action["url"].startswith("http")
    mine = await ada.mine()
    assert (mine["plan"], mine["planned_change"]["plan"], mine["open_invoice"]) == ("BASIC", "PRO", None)
    assert mine["planned_change"]["pay_url"] == action["url"]
    assert mine["access"]["granted"]

    await confirm(ada)

    mine = await ada.mine()
    assert (mine["plan"], mine["amount"], mine["planned_change"]) == ("PRO", 3000, None)
    assert (await ada.timeline())[-3:] == ["plan_change_planned", "intent_action_required", "plan_changed"]
    assert (await ada.letters())[-1] == "plan_changed"
    assert await contradictions(world, ada) == []


async def test_an_upgrade_that_is_declined_leaves_the_old_plan_and_nothing_to_pay(world: World) -> None:
    ada = await on_basic(world, "pm_card_chargeCustomerFail")

    declined = await change(ada, "PRO")
    await ada.settled()

    assert (declined.status_code, declined.json()["type"]) == (402, "urn:perennial:problem:payment_declined")
    assert declined.json()["code"] == "generic_decline"
    mine = await ada.mine()
    assert (mine["status"], mine["plan"], mine["planned_change"], mine["open_invoice"]) == (
        "active",
        "BASIC",
        None,
        None,
    )
    assert await open_invoices(ada) == []
    assert "payment_failed" not in await ada.letters()
    assert await contradictions(world, ada) == []


async def test_an_upgrade_that_nobody_confirms_is_forgotten_after_23_hours(world: World) -> None:
    ada = await on_basic(world, "pm_card_authenticationRequired")
    await change(ada, "PRO")

    await ada.travel(hours=24)

    mine = await ada.mine()
    assert (mine["status"], mine["plan"], mine["planned_change"]) == ("active", "BASIC", None)
    assert "plan_change_dropped" in await ada.timeline()
    assert await open_invoices(ada) == []
    assert await contradictions(world, ada) == []


async def test_a_customer_with_a_better_card_asks_again_and_is_charged_once(world: World) -> None:
    ada = await on_basic(world, "pm_card_authenticationRequired")
    assert (await change(ada, "PRO")).status_code == 402
    await ada.use_card("pm_card_visa")

    granted = await change(ada, "PRO")
    await ada.settled()

    assert (granted.status_code, granted.json()["plan"]) == (200, "PRO")
    assert await open_invoices(ada) == []
    paid = [invoice["amount_paid"] for invoice in await ada.invoices() if invoice["amount_paid"]]
    assert len(paid) == 2, "the first month, and the difference"
    assert await contradictions(world, ada) == []


async def test_who_thinks_better_of_an_upgrade_keeps_the_plan(world: World) -> None:
    ada = await on_basic(world, "pm_card_authenticationRequired")
    await change(ada, "PRO")

    kept = await change(ada, "BASIC")
    await ada.settled()

    assert (kept.status_code, kept.json()["plan"], kept.json()["planned_change"]) == (200, "BASIC", None)
    assert await open_invoices(ada) == []


@pytest.mark.parametrize(("timing", "status"), [("period_end", "active"), ("now", "canceled")])
async def test_who_cancels_while_an_upgrade_waits_is_not_charged_for_it(world: World, timing: str, status: str) -> None:
    ada = await on_basic(world, "pm_card_authenticationRequired")
    await change(ada, "PRO")

    canceled = await ada.ask("DELETE", f"/subscriptions?timing={timing}")
    await ada.settled()

    assert canceled.status_code == 200
    mine = await ada.mine()
    assert (mine["status"], mine["plan"], mine["planned_change"]) == (status, "BASIC", None)
    assert await open_invoices(ada) == []
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize(("first", "then"), [("BASIC", "PRO"), ("PRO", "BASIC")])
async def test_in_a_trial_the_plan_changes_without_a_charge_and_the_trial_ends_when_it_would(
    world: World, first: str, then: str
) -> None:
    ada = await world.customer()
    await ada.subscribe(first)
    await ada.travel(days=3)
    ends = (await ada.mine())["trial_ends_at"]

    changed = await change(ada, then)
    await ada.settled()

    assert (changed.status_code, changed.json()["status"], changed.json()["plan"]) == (200, "trialing", then)
    assert changed.json()["trial_ends_at"] == ends
    assert sum(invoice["amount_paid"] for invoice in await ada.invoices()) == 0

    await ada.travel(days=12)
    price = {"BASIC": 1000, "PRO": 3000}[then]
    assert [invoice["amount_paid"] for invoice in await ada.invoices()][-1] == price
    assert await ada.status() == "active"


async def test_a_month_on_the_same_plan_becomes_a_year_at_once(world: World) -> None:
    ada = await on_basic(world)

    changed = await change(ada, "BASIC", "year")
    await ada.settled()

    mine = await ada.mine()
    assert (changed.status_code, mine["interval"], mine["amount"]) == (200, "year", 10000)
    last = (await ada.invoices())[-1]
    assert 10000 - 1000 < last["amount_paid"] < 10000, "a year, less what is left of the month"
    assert await contradictions(world, ada) == []


async def test_what_was_shown_is_what_is_charged(world: World) -> None:
    ada = await on_basic(world)
    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO"})).json()
    await ada.travel(minutes=10)

    token = shown["preview_token"]
    changed = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "preview_token": token})
    await ada.settled()

    assert changed.status_code == 200, changed.text
    assert 0 < shown["due_now"]["amount"] < 2000
    assert (await ada.invoices())[-1]["amount_paid"] == shown["due_now"]["amount"]
    again = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "preview_token": token})
    assert (again.status_code, again.json()["code"]) == (409, "preview_stale")


async def test_what_was_shown_before_the_period_turned_is_not_charged_after_it(world: World) -> None:
    """For an hour the renewal is a draft at Stripe; the new period has begun all the same."""
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    item = (await ada.stripe_subscription())["items"]["data"][0]
    await ada.travel(seconds=item["current_period_end"] - item["current_period_start"] - 600)
    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO"})).json()
    await ada.travel(minutes=12)

    late = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "preview_token": shown["preview_token"]})
    await ada.settled()

    assert (late.status_code, late.json()["code"]) == (409, "preview_stale"), late.text
    assert late.json()["detail"] == "The subscription has changed since; ask for a new preview."
    assert ((await ada.mine())["plan"], await ada.concern()) == ("BASIC", None)
    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO"})).json()
    again = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "preview_token": shown["preview_token"]})
    assert (again.status_code, again.json()["plan"]) == (200, "PRO"), again.text


async def on_pro(world: World) -> Customer:
    """Paid up on PRO per month, ten days into the period."""
    ada = await world.customer()
    await ada.subscribe("PRO", trial_period_days=0)
    await ada.travel(days=10)
    return ada


async def test_a_downgrade_waits_until_what_is_paid_is_over(world: World) -> None:
    ada = await on_pro(world)
    ends = (await ada.mine())["current_period_ends_at"]

    asked = await change(ada, "BASIC")
    await ada.settled()

    assert asked.status_code == 200, asked.text
    mine = await ada.mine()
    assert (mine["plan"], mine["amount"]) == ("PRO", 3000)
    assert mine["planned_change"] == {
        "plan": "BASIC", "interval": "month", "amount": 1000, "quantity": 1, "total": 1000, "at": ends, "pay_url": None,
    }  # fmt: skip
    assert (await ada.letters())[-1] == "plan_change_scheduled"
    assert len(await ada.invoices()) == 1, "nothing is charged or credited"

    await ada.travel(days=22)

    mine = await ada.mine()
    assert (mine["status"], mine["plan"], mine["planned_change"]) == ("active", "BASIC", None)
    assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [3000, 1000]
    assert (await ada.timeline())[-3:] == ["plan_change_planned", "plan_changed", "renewed"]
    assert await contradictions(world, ada) == []

    await ada.travel(days=62)
    assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [3000, 1000, 1000, 1000]


async def test_a_downgrade_is_thought_better_of(world: World) -> None:
    ada = await on_pro(world)
    await change(ada, "BASIC")

    kept = await change(ada, "PRO")
    await ada.settled()

    assert (kept.status_code, kept.json()["planned_change"]) == (200, None)
    assert (await ada.timeline())[-2:] == ["plan_change_planned", "plan_change_dropped"]
    await ada.travel(days=22)
    assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [3000, 3000]


async def test_another_wish_takes_the_place_of_a_planned_downgrade(world: World) -> None:
    ada = await on_pro(world)
    await change(ada, "BASIC")

    upgraded = await change(ada, "ENTERPRISE")
    await ada.settled()

    mine = await ada.mine()
    assert (upgraded.status_code, mine["plan"], mine["planned_change"]) == (200, "ENTERPRISE", None)
    await ada.travel(days=22)
    assert (await ada.mine())["plan"] == "ENTERPRISE"
    assert await contradictions(world, ada) == []


async def test_who_cancels_before_a_downgrade_leaves_from_the_plan_that_is_paid(world: World) -> None:
    ada = await on_pro(world)
    await change(ada, "BASIC")

    canceled = await ada.ask("DELETE", "/subscriptions")
    await ada.settled()
    assert (canceled.status_code, canceled.json()["planned_change"]) == (200, None)

    await ada.travel(days=22)
    mine = await ada.mine()
    assert (mine["status"], mine["plan"]) == ("canceled", "PRO")
    assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [3000]


async def test_who_was_downgraded_cancels_and_upgrades_as_ever(world: World) -> None:
    ada = await on_pro(world)
    await change(ada, "BASIC")
    await ada.travel(days=25)
    assert (await ada.mine())["plan"] == "BASIC"

    assert (await ada.ask("DELETE", "/subscriptions")).status_code == 200
    assert (await ada.ask("POST", "/subscriptions/resume")).status_code == 200
    upgraded = await change(ada, "PRO")
    await ada.settled()

    assert (upgraded.status_code, upgraded.json()["plan"]) == (200, "PRO")
    assert await contradictions(world, ada) == []


async def test_what_is_left_of_a_year_pays_the_months_that_follow_and_is_shown_to(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", interval="year", trial_period_days=0)
    await ada.travel(days=1)

    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO", "interval": "month"})).json()
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "interval": "month"})
    await ada.travel(days=32)

    assert (shown["due_now"]["amount"], shown["next_charge"]["amount"]) == (0, 0)
    assert [invoice["amount_paid"] for invoice in await ada.invoices()] == [10000, 0, 0]

    again = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO", "quantity": 4})).json()
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "quantity": 4})
    await ada.travel(days=31)

    charged = [invoice["amount_paid"] for invoice in await ada.invoices()][-2:]
    assert [again["due_now"]["amount"], again["next_charge"]["amount"]] == pytest.approx(charged, abs=1)
