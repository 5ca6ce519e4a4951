"""A shop that lets Stripe calculate tax: what is shown, charged and written agrees, and an address is asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities.catalogue import Prices, push_catalogue
from activities.gateway import StripeRefused
from lifecycle.plans import Interval, load_catalogue
from lifecycle.pricing import TaxBehavior
from settings import Settings
from tests.fixtures.books import contradictions, differences
from tests.fixtures.worlds import Customer, Mailbox, World, settings_for

PAGE = {"interval": "month", "success_url": "https://app.example.com/", "cancel_url": "https://app.example.com/"}
GERMAN: Any = {"address": {"country": "DE", "postal_code": "10115"}}


@pytest.fixture
def world_settings(
    database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox, tmp_path: Path
) -> Settings:
    """With the switch turned, on a Stripe account of its own."""
    plans = (Path(__file__).parents[2] / "plans.toml").read_text()
    assert "automatic = false" in plans
    file = tmp_path / "plans.toml"
    file.write_text(plans.replace("automatic = false", "automatic = true"))
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox, plans_file=file)


async def a_customer(world: World, place: dict[str, Any] | None = GERMAN) -> Customer:
    """Known to Stripe, where they live or not; tax is collected in Germany."""
    await world.at_stripe("/settings", {"tax_rates": {"DE": 19}})
    ada = await world.customer()
    await ada.ask("POST", "/subscriptions/preview", {"plan": "BASIC"})
    if place:
        await world.stripe.v1.customers.update_async(await ada.stripe_customer_id(), place)  # type: ignore[arg-type]
    return ada


async def charged(ada: Customer) -> list[int]:
    return [invoice["amount_paid"] for invoice in await ada.invoices()]


async def test_what_was_shown_with_tax_is_charged_with_tax(world: World) -> None:
    ada = await a_customer(world)
    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO", "quantity": 2})).json()
    assert shown["next_charge"] | {"at": None} == {"amount": 7140, "tax": 1140, "currency": "usd", "at": None}
    assert shown["due_now"] == {"amount": 0, "tax": None, "currency": "usd"}

    await ada.subscribe("PRO", quantity=2, trial_period_days=0)
    await ada.travel(days=10)
    assert await charged(ada) == [7140]

    upgrade = {"plan": "PRO", "quantity": 3}
    shown = (await ada.ask("POST", "/subscriptions/preview", upgrade)).json()
    await ada.ask("PATCH", "/subscriptions/plan", upgrade | {"preview_token": shown["preview_token"]})
    await ada.settled()

    assert 0 < shown["due_now"]["tax"] < shown["due_now"]["amount"]
    assert (shown["next_charge"]["amount"], shown["next_charge"]["tax"]) == (10710, 1710)
    assert await charged(ada) == [7140, shown["due_now"]["amount"]]
    await ada.travel(days=25)
    assert (await charged(ada))[-1] == 10710
    assert (await differences(world, ada), await contradictions(world, ada)) == ([], [])


async def test_letters_say_that_tax_comes_on_top(world: World) -> None:
    ada = await a_customer(world)
    await ada.subscribe("BASIC")
    await ada.letters()
    query = "select data from billing.notifications where user_id = :id and kind = 'welcome'"
    (row,) = await world.rows(query, id=ada.id)
    assert (row.data["amount"], row.data["plus_tax"]) == (1000, True)


async def test_who_has_no_address_is_sent_to_the_checkout_which_asks_for_it(world: World) -> None:
    ada = await a_customer(world, None)
    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "BASIC"})).json()
    assert (shown["next_charge"]["amount"], shown["next_charge"]["tax"]) == (1000, None)

    refused = await ada.subscribe("BASIC", trial_period_days=0)
    assert (refused.status_code, refused.json()["code"]) == (422, "tax_location_required")
    assert await ada.concern() is None

    opened = await ada.ask("POST", "/checkout", {"plan": "BASIC", **PAGE})
    assert opened.status_code == 201, opened.text
    await world.at_stripe(f"/checkout/sessions/{opened.json()['id']}/complete", GERMAN)
    await ada.settled()
    assert await ada.status() == "trialing"
    await ada.travel(days=15)

    assert (await charged(ada))[-1] == 1190
    assert await differences(world, ada) == []


async def test_a_downgrade_is_taxed_when_it_comes(world: World) -> None:
    ada = await a_customer(world)
    await ada.subscribe("PRO", trial_period_days=0)
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "BASIC"})

    await ada.travel(days=32)

    assert await charged(ada) == [3570, 1190]


async def test_who_subscribed_before_the_switch_goes_on_without_tax(world: World) -> None:
    ada = await a_customer(world)
    (price,) = (await world.stripe.v1.prices.list_async({"lookup_keys": ["basic_month"]})).data
    customer = await ada.stripe_customer_id()
    method = await world.stripe.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer})
    await world.stripe.v1.subscriptions.create_async(
        {
            "customer": customer,
            "items": [{"price": price.id}],
            "default_payment_method": method.id,
            "metadata": {"user_id": ada.id},
        }
    )
    await ada.settled()
    await ada.travel(days=10)

    shown = (await ada.ask("POST", "/subscriptions/preview", {"plan": "PRO"})).json()
    upgraded = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "preview_token": shown["preview_token"]})
    await ada.letters()

    assert upgraded.status_code == 200, upgraded.text
    assert (shown["due_now"]["tax"], shown["next_charge"]["amount"], shown["next_charge"]["tax"]) == (None, 3000, None)
    assert await charged(ada) == [1000, shown["due_now"]["amount"]]
    letters = await world.rows("select kind, data from billing.notifications where user_id = :id", id=ada.id)
    assert {letter.kind: letter.data.get("plus_tax") for letter in letters} == {"welcome": None, "plan_changed": None}


async def test_turning_the_switch_needs_a_push_which_makes_prices_that_say_how_they_are_taxed(world: World) -> None:
    on_top = load_catalogue(world.settings.plans_file)
    inside = replace(on_top, tax=TaxBehavior.INCLUSIVE)
    terms = inside.terms("PRO", Interval.YEAR, "eur")

    with pytest.raises(StripeRefused, match="price_differs"):
        await Prices(world.stripe).id_of(terms)
    made = await push_catalogue(world.stripe, inside)

    assert set(made) == {f"price {terms.lookup_key}" for terms in inside.all_terms()}
    price = await world.stripe.v1.prices.retrieve_async(await Prices(world.stripe).id_of(terms))
    assert (price.tax_behavior, price.unit_amount, price.currency) == ("inclusive", 28000, "eur")
    assert await push_catalogue(world.stripe, inside) == []
