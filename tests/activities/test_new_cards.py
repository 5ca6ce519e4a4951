"""A chosen card that is gone again before it was put to use."""

from temporalio.testing import ActivityEnvironment

from activities.gateway import Stripe
from activities.new_cards import NewCards
from activities.orders import CardOrder, CardUsed
from tests.activities.test_conversions import on_trial


async def test_a_card_that_the_customer_has_taken_away_since_is_not_used(stripe_client: Stripe) -> None:
    trial = await on_trial(stripe_client)
    before = trial.default_payment_method
    customer = str(trial.customer)
    card = await stripe_client.v1.payment_methods.attach_async("pm_card_mastercard", {"customer": customer})
    await stripe_client.v1.payment_methods.detach_async(card.id)

    used = await ActivityEnvironment().run(
        NewCards(stripe_client).use_card, CardOrder(f"{trial.id}/card", customer, trial.id, card.id)
    )

    assert used == CardUsed()
    assert (await stripe_client.v1.subscriptions.retrieve_async(trial.id)).default_payment_method == before
