"""A customer chooses another card: it is used from then on, and pays at once what is open."""

import time

from local.waiting import until
from tests.fixtures.books import contradictions
from tests.fixtures.fairness import complaints
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, World
from tests.stories.test_two_at_once import opens_checkout, pays


async def chooses(ada: Customer, token: str) -> str:
    """On Stripe's portal page, which makes the card the customer's default and leaves the subscription as it is."""
    stripe, customer = ada.world.stripe.v1, await ada.stripe_customer_id()
    method = await stripe.payment_methods.attach_async(token, {"customer": customer})
    await prefers(ada, method.id)
    return method.id


async def prefers(ada: Customer, card: str) -> None:
    """One of the saved cards becomes the customer's default."""
    stripe, customer = ada.world.stripe.v1, await ada.stripe_customer_id()
    await stripe.customers.update_async(customer, {"invoice_settings": {"default_payment_method": card}})
    await ada.settled()


async def past_due(world: World, card: str = "pm_card_chargeCustomerFail") -> Customer:
    """One month was paid; the second could not be."""
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.use_card(card)
    await ada.travel(days=31, hours=3)
    assert await ada.status() == "past_due"
    return ada


async def charged(ada: Customer) -> list[int]:
    return [invoice["amount_paid"] for invoice in await ada.invoices()]


async def declines(ada: Customer) -> int:
    """How often a bank has said no to this customer."""
    charges = await ada.world.stripe.v1.charges.list_async({"customer": await ada.stripe_customer_id(), "limit": 100})
    return sum(not charge.paid for charge in charges.data)


async def test_a_new_card_pays_the_open_invoice_at_once(world: World) -> None:
    ada = await past_due(world)

    card = await chooses(ada, "pm_card_mastercard")

    mine = await ada.mine()
    assert (mine["status"], mine["open_invoice"], mine["grace_ends_at"]) == ("active", None, None)
    assert mine["card"]["brand"] == "mastercard"
    assert (await ada.stripe_subscription())["default_payment_method"] == card
    assert await charged(ada) == [1000, 1000]
    assert (await ada.letters())[-1] == "payment_recovered"
    assert await contradictions(world, ada) == []

    await ada.travel(days=62)
    assert await charged(ada) == [1000, 1000, 1000, 1000], "the card pays what follows, too"


async def test_a_new_card_that_fails_too_is_tried_once_and_the_next_one_pays(world: World) -> None:
    ada = await past_due(world)
    declined = await declines(ada)

    await chooses(ada, "pm_card_chargeCustomerFail")
    mine = await ada.mine()
    assert (mine["status"], mine["grace_ends_at"] is not None) == ("past_due", True)
    assert await declines(ada) == declined + 1
    assert (await ada.timeline())[-2:] == ["payment_failed", "payment_failed_again"]
    assert (await ada.letters())[-2:] == ["payment_failed", "payment_failed"]

    await chooses(ada, "pm_card_visa")
    assert await ada.status() == "active"
    assert await charged(ada) == [1000, 1000]
    assert await contradictions(world, ada) == []


async def test_who_tries_many_cards_hears_of_each_and_keeps_the_grace_that_was_promised(world: World) -> None:
    ada = await past_due(world)
    promised = (await ada.mine())["grace_ends_at"]

    for _ in range(7):
        await chooses(ada, "pm_card_chargeCustomerFail")

    mine = await ada.mine()
    assert (mine["status"], mine["access"]["granted"], mine["grace_ends_at"]) == ("past_due", True, promised)
    assert (await ada.timeline()).count("payment_failed_again") == 7
    assert (await ada.letters()).count("payment_failed") == 8
    await ada.travel(days=12)
    assert (await ada.mine())["access"]["granted"]
    assert await complaints(world, ada) == []


async def test_grace_is_not_prolonged_by_a_card_that_fails(world: World) -> None:
    ada = await past_due(world)
    before = (await ada.mine())["grace_ends_at"]
    await ada.travel(days=2)

    await chooses(ada, "pm_card_chargeCustomerFail")

    assert (await ada.mine())["grace_ends_at"] == before


async def test_a_new_card_while_nothing_is_open_is_charged_at_the_next_renewal(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    card = await chooses(ada, "pm_card_mastercard")

    assert (await ada.stripe_subscription())["default_payment_method"] == card
    assert await charged(ada) == [1000], "nothing was owed"
    assert (await ada.mine())["card"]["brand"] == "mastercard"
    await ada.travel(days=32)
    assert await charged(ada) == [1000, 1000]


async def test_a_new_card_for_a_first_payment_that_the_bank_asks_about_completes_it(world: World) -> None:
    ada = await world.customer()
    asked = await ada.subscribe("BASIC", trial_period_days=0, card="pm_card_authenticationRequired")
    assert asked.status_code == 402

    await chooses(ada, "pm_card_mastercard")

    assert await ada.status() == "active"
    assert await charged(ada) == [1000]


async def test_who_goes_back_to_an_older_card_pays_with_it(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    old = str((await ada.stripe_subscription())["default_payment_method"])
    await until_the_next_second(old, world)
    failing = await chooses(ada, "pm_card_chargeCustomerFail")
    await ada.travel(days=31, hours=3)
    assert await ada.status() == "past_due"

    await prefers(ada, old)

    assert await ada.status() == "active"
    assert (await ada.stripe_subscription())["default_payment_method"] == old
    assert await charged(ada) == [1000, 1000]
    assert await contradictions(world, ada) == []
    for card in (failing, old, failing, old):
        await prefers(ada, card)
        assert (await ada.stripe_subscription())["default_payment_method"] == card, "each choice counts, however quick"
    await ada.travel(days=31)
    assert await charged(ada) == [1000, 1000, 1000]


async def until_the_next_second(card: str, world: World) -> None:
    """Stripe tells the age of a card in whole seconds."""
    made = (await world.stripe.v1.payment_methods.retrieve_async(card)).created

    async def is_later() -> bool:
        return time.time() >= made + 1

    await until(is_later, within=PATIENCE_SECONDS, what="the clock stands still")


async def test_who_came_by_checkout_and_never_had_a_default_goes_back_to_an_older_card_in_grace(world: World) -> None:
    ada = await world.customer()
    await pays(ada, await opens_checkout(ada))
    await ada.settled()
    assert await ada.status() == "trialing"
    old = str((await ada.stripe_subscription())["default_payment_method"])
    stripe, customer = world.stripe.v1, await ada.stripe_customer_id()
    await until_the_next_second(old, world)
    method = await stripe.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": customer})
    own = (await ada.stripe_subscription())["id"]
    await stripe.subscriptions.update_async(own, {"default_payment_method": method.id})
    await ada.travel(days=15)
    assert await ada.status() == "past_due"

    await prefers(ada, old)

    assert await ada.status() == "active"
    assert (await ada.stripe_subscription())["default_payment_method"] == old


async def test_the_card_picked_on_stripes_page_is_charged_though_a_newer_one_is_the_default(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    old = str((await ada.stripe_subscription())["default_payment_method"])
    await until_the_next_second(old, world)
    await chooses(ada, "pm_card_mastercard")
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()

    page = await opens_checkout(ada)
    await world.at_stripe(f"/checkout/sessions/{page}/complete", {"payment_method": old})
    await ada.settled()
    await ada.travel(days=15)

    assert await ada.status() == "active"
    assert (await ada.stripe_subscription())["default_payment_method"] == old
    assert (await ada.mine())["card"]["brand"] == "visa"
