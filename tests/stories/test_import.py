"""A company that has sold through Stripe for years begins to use us: its customers notice nothing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from settings import Settings
from tests.fixtures.books import contradictions, differences
from tests.fixtures.databases import setting_up
from tests.fixtures.worlds import Customer, Mailbox, World, settings_for, today
from tests.stories.test_reconciling_by_hand import perennial
from workflows.door import workflow_id


@pytest.fixture
def world_settings(database: str, temporal_server: str, fresh_local_stripe: str, mailbox: Mailbox) -> Settings:
    """A Stripe account of its own."""
    return settings_for(database, temporal_server, fresh_local_stripe, mailbox)


async def stripe_customer(world: World, card: str | None = "pm_card_visa", **more: Any) -> tuple[str, dict[str, Any]]:
    """A customer at Stripe, and what a subscription of theirs is charged on."""
    customer = await world.stripe.v1.customers.create_async(more)  # type: ignore[arg-type]
    if card is None:
        return customer.id, {}
    method = await world.stripe.v1.payment_methods.attach_async(card, {"customer": customer.id})
    return customer.id, {"default_payment_method": method.id}


async def sold(world: World, user: Customer | None = None, card: str | None = "pm_card_visa", **more: Any) -> str:
    """A subscription to BASIC that was sold without us; with ``user`` its metadata names them."""
    named = {"metadata": {"user_id": user.id}} if user else {}
    seats = {"quantity": more.pop("seats")} if "seats" in more else {}
    lookup_key, of = more.pop("price", "basic_month"), more.pop("customer_of", named)
    customer, charged = (more.pop("customer"), {}) if "customer" in more else await stripe_customer(world, card, **of)
    prices = await world.stripe.v1.prices.list_async({"lookup_keys": [lookup_key]})
    made = await world.stripe.v1.subscriptions.create_async(
        {
            "customer": customer,
            "items": [{"price": prices.data[0].id, **seats}],
            "metadata": {"user_id": user.id} if user else {},
            **charged,
            **more,
        }
    )
    return made.id


async def silent(world: World) -> None:
    """Before the import Stripe does not know our endpoint."""
    for endpoint in (await world.stripe.v1.webhook_endpoints.list_async()).data:
        await world.stripe.v1.webhook_endpoints.update_async(endpoint.id, {"disabled": True})


async def heard(world: World) -> None:
    for endpoint in (await world.stripe.v1.webhook_endpoints.list_async()).data:
        await world.stripe.v1.webhook_endpoints.update_async(endpoint.id, {"disabled": False})


async def lines(world: World, customer: Customer) -> list[str]:
    rows = await world.rows(
        "select entry, cause from billing.timeline where user_id = :id order by seq, position", id=customer.id
    )
    return [f"{row.entry} by {row.cause}" for row in rows]


async def test_a_dry_run_says_what_it_would_do_and_changes_nothing(world: World) -> None:
    await silent(world)
    ada, bob = await world.customer(), await world.customer("Bob Kahn")
    first = await sold(world, ada)
    second = await sold(world, bob, price="pro_year", seats=4)
    nobodys = await sold(world)

    code, said = await perennial(world, "import")

    assert code == 1
    assert f"+ {first} {ada.id}  BASIC per month, active" in said
    assert f"+ {second} {bob.id}  PRO per year × 4, active" in said
    assert f"! {nobodys} nothing says whose it is" in said
    assert "2 to adopt · 0 ours already · 1 refused" in said
    assert "nothing was changed" in said
    assert await world.rows("select 1 from billing.subscriptions") == []
    assert await world.rows("select 1 from billing.customers") == []


async def test_customers_in_every_state_go_on_where_they_stand_and_hear_nothing(world: World) -> None:
    await silent(world)
    names = ("trialing", "active", "leaving", "late", "paused")
    people = {name: await world.customer(f"{name.title()} Kahn") for name in names}
    await sold(world, people["trialing"], trial_period_days=1)
    await sold(world, people["active"], price="pro_month", seats=4)
    await sold(world, people["leaving"], cancel_at_period_end=True)
    late = await sold(world, people["late"], card="pm_card_chargeCustomerFail", trial_period_days=7)
    await world.stripe.v1.subscriptions.update_async(late, {"trial_end": "now"})
    paused = await sold(
        world,
        people["paused"],
        card=None,
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    await world.stripe.v1.subscriptions.update_async(paused, {"trial_end": "now"})

    code, said = await perennial(world, "import", "--apply")

    assert code == 0, said
    assert "5 adopted" in said
    assert [await one.status() for one in people.values()] == ["trialing", "active", "active", "past_due", "paused"]
    for one in people.values():
        await one.settled()
        assert await lines(world, one) == ["imported by import"]
        assert await one.letters() == []
        assert await differences(world, one) == []
    mine = await people["late"].mine()
    assert mine["access"]["reason"] == "grace"
    rows = await world.rows("select grace_ends_at from billing.subscriptions where user_id = :id", id=people["late"].id)
    assert (rows[0].grace_ends_at - today()).days == 13, "who is late has the whole grace from now on"
    assert (await people["active"].mine())["quantity"] == 4
    assert (await people["leaving"].mine())["cancel_at_period_end"] is True


async def test_a_life_goes_on_after_an_import(world: World) -> None:
    await silent(world)
    ada = await world.customer()
    await sold(world, ada)
    await perennial(world, "import", "--apply")
    await heard(world)

    changed = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "interval": "month"})
    assert changed.status_code == 200, changed.text
    await ada.settled()
    canceled = await ada.ask("DELETE", "/subscriptions")

    assert canceled.status_code == 200, canceled.text
    assert await ada.letters() == ["plan_changed", "cancellation_scheduled"]
    assert await contradictions(world, ada) == []
    assert await differences(world, ada) == []


async def test_a_second_run_changes_nothing_and_takes_what_is_new(world: World) -> None:
    await silent(world)
    ada, bob = await world.customer(), await world.customer("Bob Kahn")
    await sold(world, ada)
    await perennial(world, "import", "--apply")
    before = await world.rows("select user_id, seq, updated_at from billing.subscriptions")
    runs = (await world.client.get_workflow_handle(workflow_id(ada.id)).describe()).history_length

    code, said = await perennial(world, "import", "--apply")
    assert code == 0
    assert "0 to adopt · 1 ours already" in said
    assert await world.rows("select user_id, seq, updated_at from billing.subscriptions") == before
    assert (await world.client.get_workflow_handle(workflow_id(ada.id)).describe()).history_length == runs

    await sold(world, bob)
    code, said = await perennial(world, "import", "--apply")
    assert "1 adopted" in said
    assert await bob.status() == "active"


async def test_whose_customer_it_is_the_file_or_a_verified_address_says(world: World, tmp_path: Path) -> None:
    await silent(world)
    ada, bob, eve = [await world.customer(f"{name} Kahn") for name in ("Ada", "Bob", "Eve")]
    in_file, _ = await stripe_customer(world)
    await sold(world, customer=in_file, trial_period_days=7)
    await sold(world, customer_of={"email": bob.user.email.upper()})
    await sold(world, customer_of={"email": eve.user.email})
    async with setting_up(world.engine) as connection:
        await connection.execute(text('update public."user" set "emailVerified" = (id = :id)'), {"id": bob.id})
    file = tmp_path / "users.csv"
    file.write_text(f"customer,user\n{in_file},{ada.id}\n")

    code, said = await perennial(world, "import", "--apply", "--users", str(file), "--by-verified-email")

    assert code == 1
    assert "2 adopted" in said
    assert "1 refused" in said, "an address that nobody has proved is nobody's"
    assert [await one.status() for one in (ada, bob)] == ["trialing", "active"]
    assert (await eve.ask("GET", "/subscriptions/me")).status_code == 404


async def test_what_is_doubtful_is_refused_and_left_alone(world: World, tmp_path: Path) -> None:
    ada, bob = await world.customer(), await world.customer("Bob Kahn")
    await bob.subscribe("BASIC", trial_period_days=0)
    await bob.settled()
    await silent(world)
    one, two = await sold(world, ada), await sold(world, ada)
    besides = await sold(world, bob)
    foreign = await world.stripe.v1.prices.create_async(
        {"currency": "usd", "unit_amount": 700, "recurring": {"interval": "month"}, "product_data": {"name": "Else"}}
    )
    customer, charged = await stripe_customer(world)
    elses = await world.stripe.v1.subscriptions.create_async(
        {"customer": customer, "items": [{"price": foreign.id}], **charged}
    )
    report = tmp_path / "report.csv"

    code, said = await perennial(world, "import", "--apply", "--report", str(report))

    assert code == 1
    assert f"! {one} this user has 2 running subscriptions: " in said
    assert f"! {two} this user has 2 running subscriptions: " in said
    assert f"! {besides} {bob.id} has another Stripe customer" in said
    assert "1 of another product" in said
    assert elses.id not in said
    assert "another product" in report.read_text()
    assert (await ada.ask("GET", "/subscriptions/me")).status_code == 404
    assert len(await world.rows("select 1 from billing.subscriptions")) == 1


async def test_a_file_that_is_wrong_is_refused_before_anything_is_read(world: World, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    await asyncio.to_thread(file.write_text, "cus_1,ada\ncus_2\n")
    code, said = await perennial(world, "import", "--users", str(file))
    assert (code, "line 2: a Stripe customer id and a user id are needed" in said) == (1, True)

    await asyncio.to_thread(file.write_text, "cus_1,ada\ncus_1,bob\n")
    code, said = await perennial(world, "import", "--users", str(file))
    assert (code, "line 2: cus_1 has two users" in said) == (1, True)
