"""Signing up: cards that work, are declined, or want the customer's confirmation; checkout."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import DAY, Shop, date


def test_a_declined_card_cannot_be_attached(shop: Shop) -> None:
    customer = shop.customer(card=None)
    with pytest.raises(stripe.CardError) as declined:
        shop.v1.payment_methods.attach("pm_card_chargeDeclinedInsufficientFunds", {"customer": customer.id})
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    assert declined.value.error.decline_code == "insufficient_funds"


def test_without_a_card_there_is_no_subscription(shop: Shop) -> None:
    customer = shop.customer(card=None)
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        customer.subscribe(shop.basic)
    assert shop.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []


def test_a_declined_first_payment_leaves_it_incomplete_for_23_hours(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    subscription = customer.subscribe(shop.basic, expand=["latest_invoice"])
    assert (subscription.status, subscription.latest_invoice.status) == ("incomplete", "open")
    assert subscription.latest_invoice.next_payment_attempt is None
    customer.travel_to(date(2026, 1, 1, 22))
    assert customer.subscription().status == "incomplete"
    customer.events()
    customer.travel_to(date(2026, 1, 1, 23))
    assert customer.subscription().status == "incomplete_expired"
    assert customer.latest_invoice().status == "void"
    assert customer.events() == ["customer.subscription.updated", "payment_intent.canceled", "invoice.voided"]


def test_the_time_until_the_first_billing_date_may_be_free(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 1, 10))
    free: Any = {"billing_cycle_anchor": date(2026, 2, 1), "proration_behavior": "none"}
    subscription = customer.subscribe(shop.basic, **free)
    assert (subscription.status, subscription.latest_invoice) == ("active", None)
    assert customer.events() == ["customer.subscription.created"]
    customer.travel_to(date(2026, 2, 1, 2))
    assert customer.latest_invoice().amount_paid == 1000


def test_one_price_is_sold_once_in_a_subscription(shop: Shop) -> None:
    items: Any = [{"price": shop.basic}, {"price": shop.basic}]
    with pytest.raises(stripe.InvalidRequestError, match="same plan"):
        shop.v1.subscriptions.create({"customer": shop.customer().id, "items": items})


def test_error_if_incomplete_leaves_nothing_behind(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    customer.events()
    with pytest.raises(stripe.CardError):
        customer.subscribe(shop.basic, payment_behavior="error_if_incomplete")
    assert shop.v1.invoices.list({"customer": customer.id}).data == []
    assert customer.events() == []


def test_default_incomplete_is_confirmed_by_the_customer(shop: Shop) -> None:
    customer = shop.customer(card=None)
    subscription = customer.subscribe(
        shop.basic,
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret"],
    )
    assert subscription.status == "incomplete"
    secret = subscription.latest_invoice.confirmation_secret.client_secret
    intent = shop.v1.payment_intents.confirm(secret.split("_secret_")[0], {"payment_method": "pm_card_visa"})
    assert intent.status == "succeeded"
    active = customer.subscription()
    assert (active.status, active.default_payment_method) == ("active", intent.payment_method)
    assert shop.v1.payment_methods.retrieve(str(intent.payment_method)).customer == customer.id


@pytest.mark.parametrize(("outcome", "status"), [("succeed", "active"), ("fail", "incomplete")])
def test_a_card_with_3d_secure(shop: Shop, outcome: str, status: str) -> None:
    customer = shop.customer("pm_card_threeDSecure2Required")
    subscription = customer.subscribe(shop.basic, expand=["latest_invoice.payments"])
    assert subscription.status == "incomplete"
    intent = shop.v1.payment_intents.retrieve(subscription.latest_invoice.payments.data[0].payment.payment_intent)
    assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
    assert "invoice.payment_action_required" in customer.events()
    shop.server.control(f"payment_intents/{intent.id}/authenticate", {"outcome": outcome})
    assert customer.subscription().status == status


def test_a_setup_intent_makes_a_card_ready(shop: Shop) -> None:
    customer = shop.customer(card=None)
    intent = shop.v1.setup_intents.create({"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True})
    assert intent.status == "succeeded"
    assert shop.v1.customers.payment_methods.list(customer.id).data[0].id == intent.payment_method
    with pytest.raises(stripe.CardError) as declined:
        shop.v1.setup_intents.create(
            {"customer": customer.id, "payment_method": "pm_card_chargeDeclined", "confirm": True}
        )
    assert declined.value.error.setup_intent.status == "requires_payment_method"


def checkout(shop: Shop, **given: object) -> stripe.checkout.Session:
    params = {"mode": "subscription", "success_url": "https://shop.example/done", **given}
    params.setdefault("line_items", [{"price": shop.basic, "quantity": 1}])
    return shop.v1.checkout.sessions.create(params)  # type: ignore[arg-type]


def test_checkout_with_a_trial(shop: Shop) -> None:
    data = {"trial_period_days": 7, "metadata": {"user_id": "u1"}}
    session = checkout(shop, customer_email="new@example.com", subscription_data=data)
    assert session.url
    assert shop.server.control(f"checkout/sessions/{session.id}/complete", {}).status_code == 200
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "line_items"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "no_payment_required", None)
    assert (done.subscription.status, done.subscription.metadata["user_id"]) == ("trialing", "u1")
    assert done.subscription.default_payment_method
    assert shop.v1.events.list({"limit": 1}).data[0].type == "checkout.session.completed"


def test_checkout_with_a_declined_card_can_be_tried_again(shop: Shop) -> None:
    customer = shop.customer(card=None)
    session = checkout(shop, customer=customer.id)
    complete = f"checkout/sessions/{session.id}/complete"
    assert shop.server.control(complete, {"payment_method": "pm_card_chargeCustomerFail"}).status_code == 402
    assert shop.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert shop.server.control(complete, {"payment_method": "pm_card_visa"}).status_code == 200
    assert customer.subscription().status == "active"


def test_checkout_expires_after_a_day(shop: Shop) -> None:
    customer = shop.customer(card=None)
    session = checkout(shop, customer=customer.id)
    customer.events()
    customer.travel_to(date(2026, 1, 1) + DAY)
    assert shop.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert customer.events() == ["checkout.session.expired"]


def test_a_portal_session_has_an_address(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.v1.billing_portal.sessions.create({"customer": customer.id, "return_url": "https://shop.example"})
    assert session.url.startswith(shop.server.url)
