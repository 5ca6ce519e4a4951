"""Records the saved histories anew from real runs. By hand, never in the test run:

    python -m pytest tests/histories/record.py

Record a story when it is new. Do NOT record one again because it no longer replays: customers have workflows that are
in the middle of the old history. Guard the change by ``workflow.patched`` and record the new way under a new name.
"""

from pathlib import Path
from uuid import uuid4

import pytest

from lifecycle.events import IMPORTED, EventHint
from lifecycle.intents import RefundPayment, Request
from local.waiting import until
from settings import ROOT, Settings
from tests.fixtures.plans_files import with_three_ends_of_a_trial
from tests.fixtures.worlds import Customer, Mailbox, World, settings_for
from tests.histories.saved import save, write_fingerprints
from tests.stories.test_a_change_of_plan import confirm
from tests.stories.test_a_disputed_payment import hears_of, last_charge
from tests.stories.test_a_new_card import chooses, prefers, until_the_next_second
from tests.stories.test_a_trial_without_a_card import gives_a_card
from tests.stories.test_an_expiring_card import pays_with
from tests.stories.test_an_upgrade_over_a_planned_downgrade import a_team_that_shrinks, tries_for_more
from tests.stories.test_import import sold
from tests.stories.test_two_at_once import opens_checkout, pays
from workflows.door import Door, workflow_id
from workflows.signals import signal_with_start


@pytest.fixture
def world_settings(
    request: pytest.FixtureRequest,
    database: str,
    temporal_server: str,
    local_stripe: str,
    mailbox: Mailbox,
    tmp_path: Path,
) -> Settings:
    """One history a story, but for the story that is about many; who leaves gets everything back."""
    limit = 20 if "many_histories" in request.node.name else 10_000
    if "free_plan" in request.node.name:
        plans = with_three_ends_of_a_trial(tmp_path)
    else:
        plans = tmp_path / "plans.toml"
        plans.write_text((ROOT / "plans.toml").read_text().replace('on_cancel = "none"', 'on_cancel = "full"'))
    return settings_for(
        database, temporal_server, local_stripe, mailbox, continue_as_new_after_events=limit, plans_file=plans
    )


async def test_whole_life(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=14)
    await ada.travel(days=14, hours=2)
    await ada.travel(days=31)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=31)
    await ada.use_card("pm_card_visa")
    await world.stripe.v1.invoices.pay_async((await ada.stripe_subscription())["latest_invoice"])
    await ada.wait_for_status("active")
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "interval": "month"})
    await ada.ask("DELETE", "/subscriptions?timing=period_end&reason=unused")
    await ada.ask("POST", "/subscriptions/resume")
    await ada.ask("DELETE", "/subscriptions?timing=period_end")
    await ada.travel(days=31)
    await _record("whole_life", ada, ends="canceled")


async def test_gave_up(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    await ada.travel(days=14)
    await _record("gave_up", ada, ends="canceled")


async def test_trial_extended(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC")
    await ada.travel(days=12)
    subscription = await ada.stripe_subscription()
    await world.stripe.v1.subscriptions.update_async(
        subscription["id"], {"trial_end": subscription["trial_end"] + 7 * 86_400}
    )
    await ada.settled()
    await ada.travel(days=12)
    await _record("trial_extended", ada, ends="active")


async def test_cardless(world: World) -> None:
    """A trial of ours: reminded, converted in vain, taken to Stripe by a card; then another one that is left."""
    ada = await world.customer()
    await ada.subscribe("BASIC", card=None)
    await ada.travel(days=12)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_chargeCustomerFail"})
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO"})
    await gives_a_card(ada)
    await until_told(ada, "card_added")
    await ada.travel(days=4)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("cardless", ada, ends="canceled")


async def test_cardless_ends(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", card=None)
    await ada.ask("DELETE", "/subscriptions")
    await ada.ask("POST", "/subscriptions/resume")
    await ada.travel(days=15)
    await _record("cardless_ends", ada, ends="canceled")


async def test_cardless_left_at_the_bank(world: World) -> None:
    """The bank asks about the first payment, and the customer leaves instead of confirming it."""
    ada = await world.customer()
    await ada.subscribe("BASIC", card=None)
    await ada.ask("POST", "/subscriptions/convert", {"payment_method": "pm_card_threeDSecure2Required"})
    await ada.settled()
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("cardless_left_at_the_bank", ada, ends="canceled")


async def test_free_plan_beneath(world: World) -> None:
    """A trial of ours falls on the free plan, a paid one takes its place on Stripe's page, and is left."""
    ada = await world.customer()
    await ada.subscribe("PRO", card=None)
    await ada.travel(days=15)
    await pays(ada, await opens_checkout(ada, "BASIC"))
    await until_told(ada, "replaced")
    await ada.settled()
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("free_plan_beneath", ada, ends="canceled")


async def test_another_plan_in_a_trial(world: World) -> None:
    """With a card, so that a trial of ours begins at Stripe on the new plan."""
    ada = await world.customer()
    await ada.subscribe("BASIC", card=None)
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "payment_method": "pm_card_chargeDeclined"})
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "payment_method": "pm_card_visa"})
    await ada.travel(days=15)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("another_plan_in_a_trial", ada, ends="canceled")


async def test_free_plan_outlasts_its_trial(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("PRO", card=None)
    await ada.ask("PATCH", "/subscriptions/plan", {"plan": "FREE", "interval": "year"})
    await ada.travel(days=15)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("free_plan_outlasts_its_trial", ada, ends="canceled")


async def test_upgrade_over_a_downgrade(world: World) -> None:
    """What was planned gives way when the bank has confirmed what is more."""
    ada = await a_team_that_shrinks(world)
    await tries_for_more(ada, "pm_card_authenticationRequired")
    await confirm(ada)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("upgrade_over_a_downgrade", ada, ends="canceled")


async def test_met_late(world: World) -> None:
    """Imported with a payment that somebody else has tried for long; paid at last, and left."""
    ada = await world.customer()
    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 1})
    owed = await sold(world, ada, card="pm_card_chargeCustomerFail", trial_period_days=7)
    await world.stripe.v1.subscriptions.update_async(owed, {"trial_end": "now"})
    await world.at_stripe("/webhooks/chaos", {"seed": 1, "double": 0, "reorder": 0, "drop": 0})
    await signal_with_start(
        world.client, world.settings.temporal_task_queue, ada.id, [EventHint("import/1", IMPORTED, owed)]
    )
    await until_told(ada, "imported")
    await chooses(ada, "pm_card_visa")
    await ada.wait_for_status("active")
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("met_late", ada, ends="canceled")


async def test_back_to_an_older_card(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    older = str((await ada.stripe_subscription())["default_payment_method"])
    await until_the_next_second(older, world)
    await chooses(ada, "pm_card_chargeCustomerFail")
    await ada.travel(days=31, hours=3)
    await prefers(ada, older)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("back_to_an_older_card", ada, ends="canceled")


async def test_declined_choice(world: World) -> None:
    """A new card is declined while an invoice is open, and the next one pays."""
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=31, hours=3)
    await chooses(ada, "pm_card_chargeCustomerFail")
    await chooses(ada, "pm_card_mastercard")
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("declined_choice", ada, ends="canceled")


async def test_declined(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", card="pm_card_chargeCustomerFail", trial_period_days=0)
    await ada.settled()
    await _record("declined", ada)


async def test_adopted(world: World) -> None:
    ada = await world.customer()
    customer = await world.stripe.v1.customers.create_async({"metadata": {"user_id": ada.id}})
    method = await world.stripe.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    prices = await world.stripe.v1.prices.list_async({"lookup_keys": ["pro_month"]})
    await world.stripe.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": prices.data[0].id}],
            "default_payment_method": method.id,
            "metadata": {"user_id": ada.id},
        }
    )

    async def is_adopted() -> bool:
        return (await ada.ask("GET", "/subscriptions/me")).status_code == 200

    await until(is_adopted, within=30, what="nobody adopted the subscription")
    await ada.settled()
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("adopted", ada, ends="canceled")


async def test_many_histories(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    for _ in range(3):
        await ada.travel(days=31)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("many_histories", ada, ends="canceled")


async def test_money_goes_back(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    paid = await last_charge(ada)
    await world.stripe.v1.refunds.create_async({"charge": paid, "amount": 250})
    await until_told(ada, "refunded")
    door = Door(world.client, world.settings.temporal_task_queue)
    await door.ask(ada.id, Request(str(uuid4()), RefundPayment(amount=100, by="operator-7")), 30)
    await world.at_stripe(f"/charges/{paid}/dispute", {"amount": 500})
    await hears_of(ada, "charge.dispute.created")
    await ada.wait_for_status("canceled")
    await ada.settled()
    await _record("money_goes_back", ada, ends="canceled")


async def test_forgotten(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await ada.ask("DELETE", "/account")
    await _record("forgotten", ada, ends="canceled")


async def test_left_with_a_refund(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()
    await _record("left_with_a_refund", ada, ends="canceled")


async def test_card_expires(world: World) -> None:
    ada = await pays_with(world, 4, interval="year")
    await ada.travel(days=364)
    await ada.ask("DELETE", "/subscriptions?timing=period_end")
    await ada.travel(days=2)
    await _record("card_expires", ada, ends="canceled")


async def until_told(customer: Customer, entry: str) -> None:
    async def is_told() -> bool:
        return entry in await customer.timeline()

    await until(is_told, within=30, what=f"the timeline does not tell of {entry}")


async def _record(story: str, customer: Customer, ends: str | None = None) -> None:
    """Save every run of a customer's workflow, oldest first, and what each decided."""
    client = customer.world.client
    if ends:
        assert await customer.status() == ends
    handle = client.get_workflow_handle(workflow_id(customer.id))
    run_id: str | None = (await handle.describe()).raw_info.first_run_id
    number = 1
    while run_id:
        history = await client.get_workflow_handle(workflow_id(customer.id), run_id=run_id).fetch_history()
        last = history.events[-1].workflow_execution_continued_as_new_event_attributes
        several = number > 1 or last.new_execution_run_id
        save(f"{story}_{number}" if several else story, history)
        run_id, number = last.new_execution_run_id, number + 1
    write_fingerprints()
