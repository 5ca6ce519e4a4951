"""A customer's bank takes a payment back: the dispute finds its customer, the policy is followed, an operator hears.

https://docs.stripe.com/disputes/how-disputes-work
"""

import httpx
import pytest

from local.waiting import until
from tests.fixtures.books import contradictions, sweep
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, World


async def last_charge(ada: Customer) -> str:
    found = await ada.world.stripe.v1.charges.list_async({"customer": await ada.stripe_customer_id(), "limit": 1})
    return found.data[0].id


async def dispute_of(ada: Customer, charge: str | None = None) -> str:
    found = await ada.world.stripe.v1.disputes.list_async({"charge": charge or await last_charge(ada)})
    return found.data[0].id


async def no_faults(world: World) -> None:
    """Stripe is whole again."""
    async with httpx.AsyncClient(base_url=f"{world.settings.stripe_api_url}/_local", trust_env=False) as http:
        await http.delete("/faults")


async def hears_of(ada: Customer, *events: str, charge: str | None = None) -> None:
    """The webhooks come, and a sweep asks whose the dispute is and delivers it."""

    async def came() -> bool:
        dispute = await dispute_of(ada, charge)
        rows = await ada.world.rows("select type from billing.events where object_id = :id", id=dispute)
        return {row.type for row in rows} >= set(events)

    async def is_applied() -> bool:
        await sweep(ada.world)
        rows = await ada.world.rows(
            "select status from billing.events where object_id = :id and type = any(:types)",
            id=await dispute_of(ada, charge),
            types=list(events),
        )
        return {row.status for row in rows} == {"applied"}

    await until(came, within=PATIENCE_SECONDS, what="Stripe did not tell of the dispute")
    await until(is_applied, within=PATIENCE_SECONDS, what="the dispute found no customer")


@pytest.mark.parametrize("outcome", ["lost", "won"])
async def test_a_disputed_payment_ends_access_and_subscription_and_the_outcome_is_for_a_person(
    world: World, outcome: str
) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    await world.at_stripe(f"/charges/{await last_charge(ada)}/dispute", {"reason": "fraudulent"})
    await hears_of(ada, "charge.dispute.created")
    await ada.wait_for_status("canceled")

    assert await ada.timeline() == ["subscribed", "payment_disputed", "suspended", "canceled"]
    assert (await ada.mine())["access"] == {"granted": False, "until": None, "reason": "canceled"}
    assert "fraudulent" in str(await ada.concern())
    assert (await ada.stripe_subscription())["status"] == "canceled"
    assert await ada.letters() == ["welcome", "canceled"]

    await world.at_stripe(f"/disputes/{await dispute_of(ada)}/settle", {"outcome": outcome})
    await hears_of(ada, "charge.dispute.created", "charge.dispute.closed")

    told = await ada.timeline()
    assert (told.count("payment_disputed"), told.count("suspended"), told[-1]) == (1, 1, f"dispute_{outcome}")
    assert await ada.status() == "canceled", "a person decides what follows"
    assert await contradictions(world, ada) == []


async def test_a_dispute_while_a_charge_is_overdue_stops_the_dunning(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    paid = await last_charge(ada)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    await ada.wait_for_status("past_due")

    await world.at_stripe(f"/charges/{paid}/dispute", {})
    await hears_of(ada, "charge.dispute.created", charge=paid)
    await ada.wait_for_status("canceled")
    await ada.travel(days=20)

    assert [invoice["status"] for invoice in await ada.invoices()] == ["paid", "void"]
    assert (await ada.letters()).count("canceled") == 1
    assert await contradictions(world, ada) == []


async def test_while_stripe_is_away_the_disputed_customer_has_no_access_already(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    subscription = (await ada.stripe_subscription())["id"]
    ending = {"fault": "unavailable", "method": "DELETE", "path": f"/v1/subscriptions/{subscription}"}
    await world.at_stripe("/faults", ending)

    await world.at_stripe(f"/charges/{await last_charge(ada)}/dispute", {})
    await hears_of(ada, "charge.dispute.created")

    mine = await ada.mine()
    assert (mine["status"], mine["access"]) == ("active", {"granted": False, "until": None, "reason": "suspended"})

    await no_faults(world)
    await ada.wait_for_status("canceled")
    assert (await ada.timeline()).count("suspended") == 1


async def test_after_a_dispute_there_is_no_second_trial(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await world.at_stripe(f"/charges/{await last_charge(ada)}/dispute", {})
    await hears_of(ada, "charge.dispute.created")
    await ada.wait_for_status("canceled")

    answer = await ada.subscribe("PRO", trial_period_days=7)

    assert (answer.status_code, answer.json()["code"]) == (409, "trial_already_used")


async def test_an_inquiry_of_the_bank_only_calls_a_person_and_takes_nothing_away(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    inquiry = {"reason": "fraudulent", "status": "warning_needs_response"}
    await world.at_stripe(f"/charges/{await last_charge(ada)}/dispute", inquiry)
    await hears_of(ada, "charge.dispute.created")

    assert await ada.timeline() == ["subscribed", "payment_disputed"]
    assert (await ada.mine())["access"]["granted"]
    assert "fraudulent" in str(await ada.concern())


async def test_a_dispute_after_the_customer_has_left_is_still_written_down(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()

    await world.at_stripe(f"/charges/{await last_charge(ada)}/dispute", {"reason": "subscription_canceled"})
    await hears_of(ada, "charge.dispute.created")

    assert (await ada.timeline())[-1] == "payment_disputed"
    assert await ada.status() == "canceled"

    answer = await ada.subscribe("PRO", trial_period_days=0)
    assert answer.status_code == 201, "a new life begins as ever"


async def test_a_dispute_of_an_earlier_life_ends_a_trial_of_ours_and_nothing_is_charged_after_it(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    customer, charge = str(await ada.stripe_customer_id()), await last_charge(ada)
    for card in (await world.stripe.v1.customers.payment_methods.list_async(customer)).data:
        await world.stripe.v1.payment_methods.detach_async(card.id)
    await ada.settled()
    assert (await ada.subscribe("BASIC", card=None, trial_period_days=14)).status_code == 201
    assert await ada.status() == "trialing"

    await world.at_stripe(f"/charges/{charge}/dispute", {"reason": "fraudulent"})
    await hears_of(ada, "charge.dispute.created", charge=charge)
    await ada.wait_for_status("canceled")

    running = await world.stripe.v1.subscriptions.list_async({"customer": customer})
    assert running.data == []
    assert "fraudulent" in str(await ada.concern())


async def test_a_dispute_of_somebody_elses_payment_stays_an_orphan_and_is_asked_for_once(world: World) -> None:
    stranger = await world.stripe.v1.customers.create_async({"name": "of another product"})
    method = await world.stripe.v1.payment_methods.attach_async("pm_card_createDispute", {"customer": stranger.id})
    await world.stripe.v1.payment_intents.create_async(
        {
            "amount": 500,
            "currency": "usd",
            "customer": stranger.id,
            "payment_method": method.id,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )

    async def came() -> bool:
        return bool(await world.rows("select id from billing.events where type = 'charge.dispute.created'"))

    await until(came, within=PATIENCE_SECONDS, what="Stripe did not tell of the dispute")
    await sweep(world)
    await sweep(world)

    (event,) = await world.rows("select * from billing.events where type = 'charge.dispute.created'")
    assert (event.status, event.stripe_customer_id, event.attempts) == ("orphan", stranger.id, 1)
