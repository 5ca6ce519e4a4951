"""Changing plans in the middle of a month."""

from typing import Any

import pytest
import stripe
from stripe import Subscription

from tests.local_stripe.shop import Customer, Shop, date, item


def halfway(shop: Shop, price: str) -> tuple[Customer, Subscription]:
    """A customer 15 of 30 days into April, and the subscription."""
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(price)
    customer.travel_to(date(2026, 4, 16))
    customer.events()
    return customer, subscription


def test_an_upgrade_invoiced_at_once(shop: Shop) -> None:
    _customer, subscription = halfway(shop, shop.basic)
    change = {"items": [{"id": item(subscription).id, "price": shop.pro}], "proration_behavior": "always_invoice"}
    updated = shop.v1.subscriptions.update(subscription.id, {**change, "expand": ["latest_invoice"]})
    invoice = updated.latest_invoice
    assert [line.amount for line in invoice.lines.data] == [-500, 1500]
    assert [line.description for line in invoice.lines.data] == [
        "Unused time on Basic after 16 Apr 2026",
        "Remaining time on Pro after 16 Apr 2026",
    ]
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == ("paid", 1000, "subscription_update")
    assert item(updated).price.id == shop.pro
    assert item(updated).current_period_end == date(2026, 5, 1)


def test_an_upgrade_that_waits_for_the_next_invoice(shop: Shop) -> None:
    customer, subscription = halfway(shop, shop.basic)
    items = [{"id": item(subscription).id, "price": shop.pro}]
    preview = shop.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": {"items": items}}
    )
    assert preview.amount_due == -500 + 1500 + 3000
    shop.v1.subscriptions.update(subscription.id, {"items": items})
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 4000


def test_a_preview_changes_nothing(shop: Shop) -> None:
    customer, subscription = halfway(shop, shop.basic)
    details = {"items": [{"id": item(subscription).id, "price": shop.pro}], "proration_behavior": "always_invoice"}
    preview = shop.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": details})
    assert (preview.amount_due, preview.id[:12]) == (1000, "upcoming_in_")
    assert item(customer.subscription()).price.id == shop.basic
    assert customer.events() == []


def test_a_preview_of_a_period_that_would_begin_now(shop: Shop) -> None:
    customer, subscription = halfway(shop, shop.basic)
    details: Any = {
        "items": [{"id": item(subscription).id, "price": shop.pro, "quantity": 2}],
        "billing_cycle_anchor": {"type": "now"},
        "proration_behavior": "none",
    }
    preview = shop.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": details})
    assert (preview.total, item(customer.subscription()).price.id) == (6000, shop.basic)
    details["billing_cycle_anchor"] = {"type": "timestamp", "timestamp": date(2027, 1, 1)}
    with pytest.raises(stripe.InvalidRequestError, match="can only be set to `now` or `unchanged`"):
        shop.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": details})


def test_a_downgrade_leaves_a_credit_that_pays_the_next_invoice(shop: Shop) -> None:
    customer, subscription = halfway(shop, shop.pro)
    change = {"items": [{"id": item(subscription).id, "price": shop.basic}], "proration_behavior": "always_invoice"}
    updated = shop.v1.subscriptions.update(subscription.id, {**change, "expand": ["latest_invoice"]})
    assert (updated.latest_invoice.total, updated.latest_invoice.amount_due) == (-1000, 0)
    assert shop.v1.customers.retrieve(customer.id).balance == -1000
    customer.travel_to(date(2026, 5, 1, 2))
    renewal = customer.latest_invoice()
    assert (renewal.total, renewal.amount_due, renewal.status) == (1000, 0, "paid")
    assert shop.v1.customers.retrieve(customer.id).balance == 0


def test_from_monthly_to_yearly_starts_a_new_cycle(shop: Shop) -> None:
    yearly = shop.price("Basic, a year", 10000, "year")
    _customer, subscription = halfway(shop, shop.basic)
    updated = shop.v1.subscriptions.update(
        subscription.id, {"items": [{"id": item(subscription).id, "price": yearly}], "expand": ["latest_invoice"]}
    )
    assert updated.latest_invoice.amount_paid == 10000 - 500
    assert item(updated).current_period_end == date(2027, 4, 16)


def test_without_proration_nothing_is_owed(shop: Shop) -> None:
    customer, subscription = halfway(shop, shop.basic)
    change = {"items": [{"id": item(subscription).id, "price": shop.pro}], "proration_behavior": "none"}
    shop.v1.subscriptions.update(subscription.id, change)
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 3000


def test_an_upgrade_that_must_be_paid_is_refused_as_a_whole(shop: Shop) -> None:
    customer, subscription = halfway(shop, shop.basic)
    customer.use_card("pm_card_chargeCustomerFail")
    customer.events()
    change = {"items": [{"id": item(subscription).id, "price": shop.pro}], "proration_behavior": "always_invoice"}
    with pytest.raises(stripe.CardError):
        shop.v1.subscriptions.update(subscription.id, {**change, "payment_behavior": "error_if_incomplete"})
    assert item(customer.subscription()).price.id == shop.basic
    assert customer.events() == []


def test_an_upgrade_whose_payment_fails_is_past_due(shop: Shop) -> None:
    customer, subscription = halfway(shop, shop.basic)
    customer.use_card("pm_card_chargeCustomerFail")
    change = {"items": [{"id": item(subscription).id, "price": shop.pro}], "proration_behavior": "always_invoice"}
    assert shop.v1.subscriptions.update(subscription.id, change).status == "past_due"
