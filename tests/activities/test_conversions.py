"""Moving the end of a trial looks first: a second try, under another key, takes no paid period back."""

from datetime import UTC, datetime, timedelta

import stripe
from temporalio.testing import ActivityEnvironment

from activities.conversions import Conversions
from activities.gateway import Stripe
from activities.orders import TrialEndOrder

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)


async def on_trial(stripe_client: Stripe) -> stripe.Subscription:
    customer = await stripe_client.v1.customers.create_async({})
    method = await stripe_client.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    price = await stripe_client.v1.prices.create_async(
        {
            "currency": "usd",
            "unit_amount": 1000,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Basic"},
        }
    )
    return await stripe_client.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "trial_period_days": 14,
            "default_payment_method": method.id,
        }
    )


async def moved(stripe_client: Stripe, order: TrialEndOrder) -> stripe.Subscription:
    await ActivityEnvironment().run(Conversions(stripe_client).move_trial_end, order)
    return await stripe_client.v1.subscriptions.retrieve_async(order.subscription_id)


async def test_a_trial_that_has_ended_meanwhile_and_was_paid_does_not_begin_anew(stripe_client: Stripe) -> None:
    trial = await on_trial(stripe_client)
    paid = await moved(stripe_client, TrialEndOrder(f"{trial.id}/1", trial.id, None))
    assert paid.status == "active"

    later = await moved(stripe_client, TrialEndOrder(f"{trial.id}/2", trial.id, LATER))

    assert (later.status, later.trial_end) == ("active", paid.trial_end)
