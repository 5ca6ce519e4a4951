"""A payment that is held on the card first, and taken or let go later."""

import pytest
import stripe

from tests.local_stripe.shop import Customer, Shop


def held(shop: Shop, customer: Customer) -> stripe.PaymentIntent:
    return shop.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": "pm_card_visa",
            "capture_method": "manual",
            "confirm": True,
            "expand": ["latest_charge"],
        }
    )


def test_what_is_held_is_taken(shop: Shop) -> None:
    customer = shop.customer()
    intent = held(shop, customer)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 2000, 0)
    assert (intent.latest_charge.captured, intent.latest_charge.balance_transaction) == (False, None)
    with pytest.raises(stripe.InvalidRequestError, match="status of requires_capture"):
        shop.v1.payment_intents.confirm(intent.id)

    taken = shop.v1.payment_intents.capture(intent.id, {"expand": ["latest_charge"]})
    assert (taken.status, taken.amount_capturable, taken.amount_received) == ("succeeded", 0, 2000)
    assert taken.latest_charge.balance_transaction
    assert customer.events() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]


def test_what_is_held_is_let_go(shop: Shop) -> None:
    customer = shop.customer()
    intent = shop.v1.payment_intents.cancel(held(shop, customer).id, {"expand": ["latest_charge"]})
    assert (intent.status, intent.amount_capturable, intent.latest_charge.refunded) == ("canceled", 0, True)
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        shop.v1.payment_intents.capture(intent.id)


def test_a_shop_that_confirms_itself_confirms_again_after_the_bank(shop: Shop) -> None:
    intent = shop.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "payment_method": "pm_card_threeDSecure2Required",
            "confirmation_method": "manual",
            "confirm": True,
        }
    )
    assert intent.status == "requires_action"
    assert shop.server.control(f"payment_intents/{intent.id}/authenticate", {}).status_code == 200
    assert shop.v1.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    assert shop.v1.payment_intents.confirm(intent.id).status == "succeeded"
