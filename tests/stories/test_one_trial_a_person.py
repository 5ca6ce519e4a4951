"""One free trial a person: by the user, by the mailbox, and by the card."""

from tests.fixtures.databases import setting_up
from tests.fixtures.worlds import Customer, World
from tests.stories.test_a_trial_without_a_card import PAGES, is_told

CARD = "4242424242424242"


async def with_address(world: World, address: str) -> Customer:
    customer = await world.customer()
    async with setting_up(world.engine) as connection:
        from sqlalchemy import text

        await connection.execute(
            text('update public."user" set email = :email where id = :id'), {"email": address, "id": customer.id}
        )
    return customer


async def checks_out(customer: Customer, plan: str = "BASIC") -> None:
    opened = await customer.ask("POST", "/checkout", {"plan": plan, "interval": "month", **PAGES})
    assert opened.status_code == 201, opened.text
    session = opened.json()["id"]
    await customer.world.at_stripe(f"/checkout/sessions/{session}/complete", {"card": CARD})
    await customer.settled()


async def test_the_same_mailbox_has_one_trial_however_it_is_written(world: World) -> None:
    name = world.settings.temporal_task_queue.replace("-", "")
    ada = await with_address(world, f"{name}@gmail.com")
    again = await with_address(world, f"{name[:3]}.{name[3:]}+second@GoogleMail.com")
    assert (await ada.subscribe("BASIC", card=None)).status_code == 201

    shown = await again.ask("POST", "/subscriptions/preview", {"plan": "BASIC", "interval": "month"})
    asked = await again.subscribe("BASIC", card=None, trial_period_days=14)
    without = await again.subscribe("BASIC")

    assert shown.json()["due_now"]["amount"] == 1000, "the preview says it before anybody is charged"
    assert (asked.status_code, asked.json()["code"]) == (409, "trial_already_used")
    assert (without.status_code, without.json()["status"]) == (201, "active")


async def test_the_same_card_has_one_trial(world: World) -> None:
    ada, bob = await world.customer(), await world.customer("Bob")
    assert (await ada.subscribe("BASIC", card="pm_card_jcb")).json()["status"] == "trialing"

    refused = await bob.subscribe("BASIC", card="pm_card_jcb")
    assert (refused.status_code, refused.json()["code"]) == (409, "trial_already_used"), refused.text
    other = await bob.subscribe("BASIC", card="pm_card_discover")
    assert other.json()["status"] == "trialing", "another card may have one"


async def test_a_trial_begun_on_stripes_page_with_a_card_that_had_one_is_ended_before_it_costs_anything(
    world: World,
) -> None:
    ada, bob = await world.customer(), await world.customer("Bob")
    await checks_out(ada)
    assert await ada.status() == "trialing"

    await checks_out(bob)

    assert (await bob.ask("GET", "/subscriptions/me")).status_code == 404
    assert (await bob.stripe_subscription())["status"] == "canceled"
    assert sum(invoice["amount_paid"] for invoice in await bob.invoices()) == 0
    await is_told(bob, "trial_refused")
    assert await bob.letters() == ["trial_refused"]

    await checks_out(bob)
    assert (await bob.mine())["status"] == "active", "the next page has no trial"
    assert sum(invoice["amount_paid"] for invoice in await bob.invoices()) == 1000


async def test_a_page_that_was_opened_before_the_trial_gives_no_second_one(world: World) -> None:
    ada = await world.customer()
    opened = await ada.ask("POST", "/checkout", {"plan": "BASIC", "interval": "month", **PAGES})
    await ada.subscribe("BASIC")
    await ada.travel(hours=12)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()

    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete", {"card": CARD})
    await ada.settled()

    await is_told(ada, "trial_refused")
    assert (await ada.stripe_subscription())["status"] == "canceled"
    assert (await ada.mine())["access"]["granted"] is False
    assert sum(invoice["amount_paid"] for invoice in await ada.invoices()) == 0
    assert (await ada.letters())[-1] == "trial_refused"


async def test_two_people_may_pay_with_one_card(world: World) -> None:
    ada, bob = await world.customer(), await world.customer("Bob")
    await ada.subscribe("BASIC", card="pm_card_amex")
    assert (await bob.subscribe("BASIC", card=None)).json()["status"] == "trialing"

    converted = await bob.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_amex"})

    assert (converted.status_code, converted.json()["status"]) == (200, "active"), converted.text
