"""A trial that nobody gave a card for: Stripe is told of it when there is one; without, the plan says what follows."""

from pathlib import Path
from typing import Any

import pytest

from local.waiting import until
from settings import Settings
from tests.fixtures.books import contradictions
from tests.fixtures.plans_files import with_three_ends_of_a_trial
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, Mailbox, World, settings_for
from tests.stories.test_a_change_of_plan import confirm

PAGES = {"success_url": "https://app.example.com/done", "cancel_url": "https://app.example.com/plans"}


@pytest.fixture
def world_settings(
    tmp_path: Path, database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox
) -> Settings:
    """Three plans, three ends of a trial without a card: BASIC cancels, PRO falls on FREE, ENTERPRISE pauses."""
    plans = with_three_ends_of_a_trial(tmp_path)
    return settings_for(database, temporal_server, local_stripe, mailbox, plans_file=plans)


async def on_trial(world: World, plan: str = "BASIC") -> Customer:
    ada = await world.customer()
    answer = await ada.subscribe(plan, card=None)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "trialing"
    return ada


async def known_to_stripe(world: World, ada: Customer) -> list[Any]:
    query = "select stripe_customer_id from billing.customers where user_id = :id and stripe_customer_id is not null"
    return await world.rows(query, id=ada.id)


async def gives_a_card(ada: Customer, token: str = "pm_card_visa") -> None:
    """On Stripe's portal page."""
    answer = await ada.ask("POST", "/portal", {"return_url": "https://app.example.com/billing"})
    assert answer.status_code == 201, answer.text
    stripe, customer = ada.world.stripe.v1, await ada.stripe_customer_id()
    method = await stripe.payment_methods.attach_async(token, {"customer": customer})
    await stripe.customers.update_async(customer, {"invoice_settings": {"default_payment_method": method.id}})
    await ada.settled()


async def is_told(ada: Customer, entry: str) -> None:
    async def so() -> bool:
        return entry in await ada.timeline()

    await until(so, within=PATIENCE_SECONDS, what=f"the timeline does not tell of {entry}")


async def paid(ada: Customer) -> int:
    return sum(invoice["amount_paid"] for invoice in await ada.invoices())


async def test_stripe_hears_nothing_of_a_trial_without_a_card(world: World) -> None:
    ada = await on_trial(world)

    await ada.travel(days=13)
    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"], mine["card"]) == ("trialing", True, None)
    assert await known_to_stripe(world, ada) == []

    await ada.travel(days=2)
    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"]) == ("canceled", False)
    assert await known_to_stripe(world, ada) == []
    assert await ada.timeline() == ["trial_started", "trial_ending", "trial_ended_without_card"]
    assert await ada.letters() == ["welcome", "trial_ending", "canceled"]


async def test_a_card_that_comes_in_the_trial_is_charged_when_the_trial_ends_and_not_before(world: World) -> None:
    ada = await on_trial(world)
    ends = (await ada.mine())["trial_ends_at"]
    await ada.travel(days=5)

    await gives_a_card(ada)

    await is_told(ada, "card_added")
    mine = await ada.mine()
    assert (mine["status"], mine["trial_ends_at"], mine["card"]["brand"]) == ("trialing", ends, "visa")
    assert await paid(ada) == 0
    assert await contradictions(world, ada) == []

    await ada.travel(days=10)
    assert await ada.status() == "active"
    assert await paid(ada) == 1000
    assert await ada.timeline() == ["trial_started", "card_added", "trial_ending", "trial_converted"]
    assert await contradictions(world, ada) == []


async def test_a_trial_is_converted_early_with_a_card_and_paid_from_that_day(world: World) -> None:
    ada = await on_trial(world)
    await ada.travel(days=5)

    declined = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_chargeCustomerFail"})
    assert (declined.status_code, await ada.status()) == (402, "trialing")
    await ada.settled()
    without = await ada.ask("POST", "/subscriptions/convert", {})
    assert (without.status_code, without.json()["code"]) == (422, "payment_method_required"), (
        "a declined card is not kept"
    )
    accepted = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_visa"})

    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["status"] == "active"
    await ada.settled()
    assert await paid(ada) == 1000
    assert await ada.status() == "active"
    assert await ada.concern() is None
    assert (await ada.timeline())[-1] == "trial_converted"
    assert await contradictions(world, ada) == []


async def test_a_bank_that_asks_when_a_trial_is_converted_early_leaves_the_trial_as_it_is_meanwhile(
    world: World,
) -> None:
    ada = await on_trial(world)

    asked = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})

    assert asked.status_code == 402, asked.text
    problem = asked.json()
    assert problem["code"] == "action_required"
    assert problem["required_action"]["url"]
    await ada.settled()
    assert (await ada.mine())["access"]["reason"] == "trial"

    await confirm(ada)
    await ada.wait_for_status("active")
    await ada.settled()
    assert await paid(ada) == 1000
    assert await ada.concern() is None
    assert await contradictions(world, ada) == []


async def test_who_has_confirmed_at_the_bank_pays_once_though_nobody_has_told_us_yet(world: World) -> None:
    """The customer confirms, Stripe's event is late, and the customer tries again with another card."""
    ada = await on_trial(world)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.settled()
    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 1})
    await confirm(ada)

    again = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_visa"})

    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 0})
    assert again.status_code == 200, again.text
    assert await ada.status() == "active"
    customer = await ada.stripe_customer_id()
    known = (await world.stripe.v1.subscriptions.list_async({"customer": customer, "status": "all"})).data
    assert [one.status for one in known] == ["active"]
    assert await paid(ada) == 1000
    assert await ada.concern() is None


async def test_another_card_may_pay_while_the_bank_still_asks_about_the_first(world: World) -> None:
    ada = await on_trial(world)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.settled()

    paid_with_another = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_visa"})

    assert paid_with_another.status_code == 200, paid_with_another.text
    await ada.settled()
    assert (await ada.status(), await paid(ada)) == ("active", 1000)
    assert await ada.concern() is None
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize("plan", ["BASIC", "PRO"], ids=["nothing_beneath", "a_free_plan_beneath"])
async def test_a_card_chosen_while_the_bank_asks_about_another_is_charged_when_the_trial_ends(
    world: World, plan: str
) -> None:
    ada = await on_trial(world, plan)
    await ada.travel(days=13, hours=20)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.settled()

    await gives_a_card(ada)
    await ada.travel(hours=6)

    mine = await ada.mine()
    assert (mine["status"], mine["plan"]) == ("active", plan)
    assert await paid(ada) == (1000 if plan == "BASIC" else 3000)
    assert await ada.concern() is None


@pytest.mark.parametrize("timing", ["now", "period_end"])
async def test_who_leaves_while_the_bank_still_asks_is_not_charged_afterwards(world: World, timing: str) -> None:
    ada = await on_trial(world)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.settled()

    left = await ada.ask("DELETE", f"/subscriptions?timing={timing}")

    assert left.status_code == 200, left.text
    customer = await ada.stripe_customer_id()
    known = (await world.stripe.v1.subscriptions.list_async({"customer": customer, "status": "all"})).data
    invoices = (await world.stripe.v1.invoices.list_async({"customer": str(customer)})).data
    assert {one.status for one in known} <= {"canceled", "incomplete_expired"}
    assert [one.status for one in invoices] == ["void"]
    assert await paid(ada) == 0
    assert await ada.status() == ("canceled" if timing == "now" else "trialing")
    assert await ada.concern() is None


async def test_who_is_leaving_a_trial_says_first_that_they_stay_before_they_pay(world: World) -> None:
    ada = await on_trial(world)
    await ada.ask("DELETE", "/subscriptions?timing=period_end")

    refused = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.travel(days=15)

    assert (refused.status_code, refused.json()["code"]) == (409, "cancellation_scheduled")
    assert await ada.status() == "canceled"
    assert await known_to_stripe(world, ada) == [], "nothing is left that a bank could confirm"


async def test_who_leaves_after_a_payment_that_is_news_to_us_gets_what_every_customer_gets(world: World) -> None:
    ada = await on_trial(world)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.settled()
    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 1})
    await confirm(ada)

    left = await ada.ask("DELETE", "/subscriptions?timing=period_end")

    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 0})
    assert left.status_code == 200, left.text
    assert (await ada.mine())["status"] == "active"
    assert (await ada.mine())["cancel_at_period_end"] is True
    assert (await ada.stripe_subscription())["cancel_at_period_end"] is True
    assert await paid(ada) == 1000


async def test_checkout_in_a_trial_keeps_the_trials_end(world: World) -> None:
    ada = await on_trial(world)
    ends = (await ada.mine())["trial_ends_at"]

    opened = await ada.ask("POST", "/checkout", {"plan": "BASIC", "interval": "month", **PAGES})
    assert opened.status_code == 201, opened.text
    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete", {"card": "4242424242424242"})
    await ada.settled()

    await is_told(ada, "card_added")
    mine = await ada.mine()
    assert (mine["status"], mine["trial_ends_at"]) == ("trialing", ends)
    assert await contradictions(world, ada) == []
    await ada.travel(days=15)
    assert (await ada.status(), await paid(ada)) == ("active", 1000)


async def test_who_leaves_in_a_trial_keeps_it_to_its_end_and_may_think_again(world: World) -> None:
    ada = await on_trial(world)

    left = await ada.ask("DELETE", "/subscriptions?reason=too_complex")
    assert left.json()["cancel_at"] == left.json()["trial_ends_at"]
    assert (await ada.ask("DELETE", "/subscriptions")).status_code == 409
    back = await ada.ask("POST", "/subscriptions/resume")
    assert (back.status_code, back.json()["cancel_at"]) == (200, None)
    await ada.ask("DELETE", "/subscriptions")
    await ada.travel(days=15)

    assert await ada.status() == "canceled"
    assert await ada.letters() == ["welcome", "cancellation_scheduled", "cancellation_scheduled", "canceled"]
    assert await ada.timeline() == [
        "trial_started",
        "cancellation_scheduled",
        "cancellation_undone",
        "cancellation_scheduled",
        "canceled",
    ]


async def test_another_plan_in_a_trial_costs_nothing_and_keeps_its_end(world: World) -> None:
    ada = await on_trial(world)
    ends = (await ada.mine())["trial_ends_at"]

    shown = await ada.ask("POST", "/subscriptions/preview", {"plan": "ENTERPRISE"})
    changed = await ada.ask(
        "PATCH",
        "/subscriptions/plan",
        {"plan": "ENTERPRISE", "preview_token": shown.json()["preview_token"]},
    )

    assert shown.json()["due_now"]["amount"] == 0
    assert (changed.json()["plan"], changed.json()["trial_ends_at"]) == ("ENTERPRISE", ends)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    assert await ada.status() == "canceled"
    again = await ada.subscribe("BASIC", card=None)
    assert (again.status_code, again.json()["code"]) == (422, "payment_method_required"), "one trial a person"


async def test_another_plan_with_a_card_is_paid_with_it_when_the_trial_ends(world: World) -> None:
    ada = await on_trial(world)
    ends = (await ada.mine())["trial_ends_at"]
    await ada.travel(days=2)

    changed = await ada.ask(
        "PATCH", "/subscriptions/plan", {"plan": "PRO", "quantity": 2, "payment_method": "pm_card_visa"}
    )

    assert changed.status_code == 200, changed.text
    mine = changed.json()
    assert (mine["plan"], mine["quantity"], mine["status"], mine["trial_ends_at"]) == ("PRO", 2, "trialing", ends)
    assert mine["card"]["brand"] == "visa"
    await ada.settled()
    assert await paid(ada) == 0
    assert await ada.timeline() == ["trial_started", "plan_changed", "card_added"]
    assert await contradictions(world, ada) == []

    await ada.travel(days=13)
    assert (await ada.status(), await paid(ada)) == ("active", 6000)
    assert await ada.concern() is None


@pytest.mark.parametrize(
    ("card", "status", "code"),
    [
        pytest.param("pm_card_chargeDeclined", 402, "generic_decline", id="declined"),
        pytest.param("pm_nonsense", 422, "payment_method_invalid", id="unknown"),
    ],
)
async def test_another_plan_with_a_card_that_is_refused_leaves_the_trial_as_it_was(
    world: World, card: str, status: int, code: str
) -> None:
    ada = await on_trial(world)

    refused = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "payment_method": card})
    await ada.settled()

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    mine = await ada.mine()
    assert (mine["plan"], mine["status"], mine["card"]) == ("BASIC", "trialing", None)
    assert await ada.concern() is None
    again = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "payment_method": "pm_card_visa"})
    assert (again.status_code, again.json()["plan"]) == (200, "PRO"), again.text


async def test_another_plan_with_a_card_takes_the_place_of_a_first_payment_that_the_bank_still_asks_about(
    world: World,
) -> None:
    ada = await on_trial(world)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.settled()

    changed = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "payment_method": "pm_card_visa"})
    await ada.settled()

    mine = await ada.mine()
    assert (changed.status_code, mine["plan"], mine["status"]) == (200, "PRO", "trialing")
    customer = await ada.stripe_customer_id()
    known = (await world.stripe.v1.subscriptions.list_async({"customer": customer})).data
    assert {one.status for one in known} == {"trialing", "incomplete_expired"}, (
        "no first payment is left that could be confirmed"
    )
    assert await contradictions(world, ada) == []


async def test_another_plan_after_a_first_payment_that_is_news_to_us_is_asked_for_again(world: World) -> None:
    ada = await on_trial(world)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.settled()
    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 1})
    await confirm(ada)
    wish = {"plan": "PRO", "payment_method": "pm_card_visa"}

    changed = await ada.ask("PATCH", "/subscriptions/plan", wish)

    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 0})
    assert (changed.status_code, changed.json()["code"]) == (409, "preview_stale"), changed.text
    mine = await ada.mine()
    assert (mine["plan"], mine["status"]) == ("BASIC", "active")
    again = await ada.ask("PATCH", "/subscriptions/plan", wish)
    await ada.settled()
    assert (again.status_code, again.json()["plan"]) == (200, "PRO"), again.text
    assert 1000 < await paid(ada) < 4000, "the first month, and the difference"


async def test_a_trial_of_a_plan_with_a_free_one_beneath_it_falls_on_that(world: World) -> None:
    ada = await on_trial(world, "PRO")

    await ada.travel(days=15)

    mine = await ada.mine()
    assert (mine["status"], mine["plan"], mine["access"]) == (
        "active",
        "FREE",
        {"granted": True, "until": None, "reason": "free"},
    )
    assert await ada.timeline() == ["trial_started", "trial_ending", "moved_to_free_plan"]
    assert await ada.letters() == ["welcome", "trial_ending", "moved_to_free_plan"]
    assert await contradictions(world, ada) == []

    without = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "BASIC"})
    assert (without.status_code, without.json()["code"]) == (422, "payment_method_required")
    with_card = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "BASIC", "payment_method": "pm_card_visa"})
    assert with_card.status_code == 200, with_card.text
    assert (with_card.json()["plan"], with_card.json()["interval"]) == ("BASIC", "month")
    assert await paid(ada) == 1000
    await ada.settled()
    assert await contradictions(world, ada) == []


@pytest.mark.parametrize(
    "first", [pytest.param("BASIC", id="would_cancel"), pytest.param("ENTERPRISE", id="would_pause")]
)
async def test_who_chooses_the_free_plan_in_a_trial_keeps_it_when_the_trial_ends(world: World, first: str) -> None:
    ada = await on_trial(world, first)
    chosen = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "FREE", "interval": "year"})
    assert (chosen.status_code, chosen.json()["plan"]) == (200, "FREE"), chosen.text

    await ada.travel(days=31)

    mine = await ada.mine()
    assert (mine["status"], mine["plan"], mine["card"]) == ("active", "FREE", None)
    assert mine["access"] == {"granted": True, "until": None, "reason": "free"}
    assert await ada.timeline() == ["trial_started", "plan_changed", "trial_ending", "trial_converted"]
    assert await ada.letters() == ["welcome", "plan_changed", "trial_ending"]
    assert await paid(ada) == 0
    assert await ada.concern() is None
    assert await contradictions(world, ada) == []


async def test_checkout_takes_the_place_of_a_free_plan(world: World) -> None:
    ada = await world.customer()
    begun = await ada.subscribe("FREE", card=None, interval="year")
    assert begun.json()["access"]["reason"] == "free", begun.text

    opened = await ada.ask("POST", "/checkout", {"plan": "PRO", "interval": "month", **PAGES})
    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete", {"card": "4242424242424242"})
    await ada.settled()

    mine = await ada.mine()
    assert (mine["plan"], mine["status"]) == ("PRO", "trialing")
    assert await ada.concern() is None
    everything = await world.stripe.v1.subscriptions.list_async({"customer": await ada.stripe_customer_id()})
    assert len(everything.data) == 1, "the free one has ended"
    assert await contradictions(world, ada) == []


async def test_a_trial_that_pauses_goes_on_when_the_customer_pays(world: World) -> None:
    ada = await on_trial(world, "ENTERPRISE")
    await ada.travel(days=31)
    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"]) == ("paused", False)
    assert await ada.letters() == ["welcome", "trial_ending", "trial_paused"]

    without = await ada.ask("POST", "/subscriptions/resume")
    assert (without.status_code, without.json()["code"]) == (422, "payment_method_required")
    await gives_a_card(ada)
    assert await ada.status() == "paused", "nobody is charged who has not asked for it"
    resumed = await ada.ask("POST", "/subscriptions/resume")

    assert (resumed.status_code, resumed.json()["status"]) == (200, "active"), resumed.text
    await ada.settled()
    assert await paid(ada) == 10000
    assert (await ada.timeline())[-3:] == ["trial_paused_without_card", "intent_refused", "resumed"]
    assert await contradictions(world, ada) == []


async def test_a_user_who_is_forgotten_in_a_trial_has_none_any_more(world: World) -> None:
    ada = await on_trial(world)

    answer = await ada.ask("DELETE", "/account")

    assert answer.status_code == 200, answer.text
    await ada.settled()
    (row,) = await world.rows("select status from billing.subscriptions where user_id = :id", id=ada.id)
    assert row.status == "canceled"
    again = await ada.subscribe("BASIC", card=None)
    assert again.json()["code"] == "payment_method_required", "the trial stays used"


async def test_a_trial_of_several_seats_in_another_currency_is_charged_for_all_of_them(world: World) -> None:
    ada = await world.customer()
    begun = await ada.subscribe("PRO", card=None, quantity=3, currency="eur")
    assert (begun.json()["status"], begun.json()["quantity"], begun.json()["currency"]) == ("trialing", 3, "eur")

    shown = await ada.ask("POST", "/subscriptions/preview", {"cancel": "period_end"})
    assert shown.json()["access_until"] == begun.json()["trial_ends_at"], shown.text
    assert (shown.json()["refund"]["amount"], shown.json()["voided_invoices"]) == (0, [])
    more = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "quantity": 5})
    assert more.json()["quantity"] == 5, more.text
    converted = await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_visa"})

    assert converted.status_code == 200, converted.text
    assert (converted.json()["quantity"], converted.json()["currency"]) == (5, "eur")
    assert [(invoice["amount_paid"], invoice["currency"]) for invoice in await ada.invoices()] == [(14000, "eur")]
    await ada.settled()
    assert await contradictions(world, ada) == []


async def test_a_trial_in_another_currency_falls_on_the_free_plan_of_that_currency(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("PRO", card=None, currency="eur")

    await ada.travel(days=15)

    mine = await ada.mine()
    assert (mine["plan"], mine["currency"], mine["status"]) == ("FREE", "eur", "active")
    assert await ada.concern() is None


async def test_a_trial_in_euros_goes_on_in_euros(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("PRO", card=None, currency="eur")
    other = {"interval": "month", "currency": "usd"}

    refused = [
        await ada.ask("POST", "/checkout", {"plan": "PRO", **PAGES, **other}),
        await ada.ask("POST", "/subscriptions/preview", {"plan": "ENTERPRISE", **other}),
        await ada.ask("PATCH", "/subscriptions/plan", {"plan": "ENTERPRISE", **other}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "currency_locked")] * 3
    opened = await ada.ask("POST", "/checkout", {"plan": "PRO", "interval": "month", **PAGES})
    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete")
    await is_told(ada, "card_added")
    assert (await ada.mine())["currency"] == "eur"
