"""A refund is looked for before it is made: also when Stripe has long forgotten the key of the first try."""

from temporalio.testing import ActivityEnvironment

from activities.gateway import Stripe
from activities.refund_orders import RefundOrder
from activities.refunds import Refunds
from lifecycle.intents import RefundReason


async def paid(stripe_client: Stripe, amount: int = 1000) -> str:
    """A payment of a new customer; the id of its charge."""
    customer = await stripe_client.v1.customers.create_async({})
    method = await stripe_client.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    intent = await stripe_client.v1.payment_intents.create_async(
        {
            "amount": amount,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": method.id,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    return str(intent.latest_charge)


async def test_a_refund_of_this_operation_that_is_there_is_not_made_again(stripe_client: Stripe) -> None:
    charge = await paid(stripe_client)
    marks = {"operation_id": "op-1"}
    await stripe_client.v1.refunds.create_async(
        {"charge": charge, "amount": 300, "metadata": marks}, {"idempotency_key": "a key that was forgotten since"}
    )

    done = await ActivityEnvironment().run(Refunds(stripe_client).give, RefundOrder("op-1", "ada", charge, 300))

    assert [(refund.amount, refund.operation_id) for refund in done.refunds] == [(300, "op-1")]


async def test_who_was_quicker_leaves_too_little(stripe_client: Stripe) -> None:
    charge = await paid(stripe_client)
    await stripe_client.v1.refunds.create_async({"charge": charge, "amount": 900})
    refunds = Refunds(stripe_client)

    too_much = await ActivityEnvironment().run(refunds.give, RefundOrder("op-2", "ada", charge, 200))
    rest = await ActivityEnvironment().run(
        refunds.give, RefundOrder("op-3", "ada", charge, 100, RefundReason.DUPLICATE, "operator-7")
    )
    nothing = await ActivityEnvironment().run(refunds.give, RefundOrder("op-4", "ada", charge, 1))

    assert (too_much.refused, nothing.refused) == ("refund_too_large", "nothing_to_refund")
    newest = rest.refunds[-1]
    assert (newest.amount, newest.reason, newest.by) == (100, "duplicate", "operator-7")


async def test_the_refunds_of_a_charge_are_seen_by_either_name_oldest_first(stripe_client: Stripe) -> None:
    charge = await paid(stripe_client)
    first = await stripe_client.v1.refunds.create_async({"charge": charge, "amount": 100})
    second = await stripe_client.v1.refunds.create_async({"charge": charge, "amount": 200})
    refunds = Refunds(stripe_client)

    by_charge = await ActivityEnvironment().run(refunds.fetch, charge)
    by_refund = await ActivityEnvironment().run(refunds.fetch, second.id)

    assert [refund.id for refund in by_charge] == [first.id, second.id]
    assert by_refund == by_charge
    assert await ActivityEnvironment().run(refunds.fetch, "re_nobodys") == []
    assert await ActivityEnvironment().run(refunds.fetch, "ch_nobodys") == []
