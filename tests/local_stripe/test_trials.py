"""Trials: free until they end, with a warning."""

from typing import Any

import pytest

from tests.local_stripe.shop import DAY, Customer, Shop, date


def test_a_trial_warns_ends_and_is_charged(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, trial_period_days=14, expand=["latest_invoice"])
    assert subscription.status == "trialing"
    assert (subscription.latest_invoice.status, subscription.latest_invoice.total) == ("paid", 0)
    customer.events()

    customer.travel_to(date(2026, 1, 12))
    assert customer.events() == ["customer.subscription.trial_will_end"]

    customer.travel_to(date(2026, 1, 15))
    assert customer.events() == ["customer.subscription.updated", "invoice.created"]
    assert customer.subscription().status == "active"

    customer.travel_to(date(2026, 1, 15, 2))
    assert customer.latest_invoice().amount_paid == 1000


def test_a_short_trial_warns_at_once(shop: Shop) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic, trial_period_days=2)
    assert customer.events()[-1] == "customer.subscription.trial_will_end"
    customer.travel_to(date(2026, 1, 2))
    assert customer.events() == []


def test_a_trial_that_is_extended_warns_again_and_ends_later(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, trial_period_days=5)
    customer.travel_to(date(2026, 1, 4))
    shop.v1.subscriptions.update(subscription.id, {"trial_end": date(2026, 1, 20)})
    customer.events()
    customer.travel_to(date(2026, 1, 18))
    assert customer.events() == ["customer.subscription.trial_will_end"]
    customer.travel_to(date(2026, 1, 20, 2))
    assert customer.subscription().status == "active"


def without_card(shop: Shop, behavior: str) -> Customer:
    customer = shop.customer(card=None)
    settings: Any = {"end_behavior": {"missing_payment_method": behavior}}
    customer.subscribe(shop.basic, trial_period_days=7, trial_settings=settings)
    customer.events()
    customer.travel_to(date(2026, 1, 8) + DAY)
    return customer


@pytest.mark.parametrize(
    ("behavior", "status", "last_event"),
    [
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
        ("create_invoice", "past_due", "customer.subscription.updated"),
    ],
)
def test_a_trial_that_ends_without_a_card(shop: Shop, behavior: str, status: str, last_event: str) -> None:
    customer = without_card(shop, behavior)
    assert customer.subscription().status == status
    assert customer.events()[-1] == last_event


@pytest.mark.parametrize(("behavior", "status"), [("cancel", "canceled"), ("pause", "paused")])
def test_a_trial_ended_by_hand_without_a_card(shop: Shop, behavior: str, status: str) -> None:
    customer = shop.customer(card=None)
    settings: Any = {"end_behavior": {"missing_payment_method": behavior}}
    subscription = customer.subscribe(shop.basic, trial_period_days=7, trial_settings=settings)
    assert shop.v1.subscriptions.update(subscription.id, {"trial_end": "now"}).status == status


def test_a_trial_ended_by_hand_is_paid_at_once(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, trial_period_days=14)
    customer.travel_to(date(2026, 1, 3))
    updated = shop.v1.subscriptions.update(subscription.id, {"trial_end": "now", "expand": ["latest_invoice"]})
    assert updated.status == "active"
    assert updated.latest_invoice.amount_paid == 1000
    assert updated.billing_cycle_anchor == date(2026, 1, 3)


def test_a_trial_is_made_longer(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, trial_period_days=7)
    longer = shop.v1.subscriptions.update(subscription.id, {"trial_end": date(2026, 1, 20)})
    assert (longer.status, longer.trial_end, longer.billing_cycle_anchor) == (
        "trialing",
        date(2026, 1, 20),
        date(2026, 1, 20),
    )
    customer.travel_to(date(2026, 1, 20, 2))
    assert customer.subscription().status == "active"
    assert customer.latest_invoice().amount_paid == 1000


def test_the_trial_of_a_plan(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Trial"})
    recurring: Any = {"interval": "month", "trial_period_days": 10}
    given: Any = {"product": product.id, "unit_amount": 500, "currency": "usd", "recurring": recurring}
    price = shop.v1.prices.create(given).id
    customer = shop.customer()
    subscription = customer.subscribe(price)
    trying = shop.v1.subscriptions.update(subscription.id, {"trial_from_plan": True})
    assert (trying.status, trying.trial_end) == ("trialing", date(2026, 1, 11))


def test_who_begins_without_a_card_or_with_one_to_authenticate_is_asked_at_once(shop: Shop) -> None:
    expand: Any = {"trial_period_days": 14, "expand": ["pending_setup_intent"]}
    without = shop.customer(card=None).subscribe(shop.basic, **expand)
    assert without.pending_setup_intent.status == "requires_payment_method"
    customer = shop.customer("pm_card_authenticationRequiredOnSetup")
    asked = customer.subscribe(shop.basic, **expand).pending_setup_intent
    assert (asked.status, asked.next_action.type) == ("requires_action", "use_stripe_sdk")
    shop.server.control(f"setup_intents/{asked.id}/authenticate", {"outcome": "succeed"})
    assert customer.subscription().pending_setup_intent is None
    assert shop.customer().subscribe(shop.basic, **expand).pending_setup_intent is None
