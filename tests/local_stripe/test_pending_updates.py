"""An upgrade that is granted only when it is paid."""

from typing import Any

import pytest
import stripe
from stripe import Subscription

from tests.local_stripe.shop import Customer, Shop, date, item

EXPIRES = date(2026, 4, 16) + 23 * 3600


def upgrading(shop: Shop, card: str, **more: Any) -> tuple[Customer, Subscription]:
    """A customer in the middle of April who asks for Pro and pays with this card; what Stripe answers."""
    customer = shop.customer(at=date(2026, 4, 1))
    customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 4, 16))
    customer.use_card(card)
    customer.events()
    return customer, upgrade(shop, customer, shop.pro, **more)


def upgrade(shop: Shop, customer: Customer, price: str, **more: Any) -> Subscription:
    subscription = customer.subscription()
    items = [{"id": item(subscription).id, "price": price}]
    behavior = {"payment_behavior": "pending_if_incomplete", "proration_behavior": "always_invoice"}
    change: Any = {"items": items, **behavior, "expand": ["latest_invoice"], **more}
    return shop.v1.subscriptions.update(subscription.id, change)


def test_a_paid_upgrade_is_granted_at_once(shop: Shop) -> None:
    customer, subscription = upgrading(shop, "pm_card_visa")
    assert (item(subscription).price.id, subscription.pending_update) == (shop.pro, None)
    assert subscription.latest_invoice.amount_paid == 1000
    assert "customer.subscription.pending_update_applied" not in customer.events()


def test_a_declined_upgrade_changes_nothing_yet(shop: Shop) -> None:
    customer, subscription = upgrading(shop, "pm_card_chargeCustomerFail")
    pending = subscription.pending_update
    assert (subscription.status, item(subscription).price.id) == ("active", shop.basic)
    assert pending.subscription_items[0].price.id == shop.pro
    assert pending.expires_at == EXPIRES
    invoice = subscription.latest_invoice
    assert (invoice.status, invoice.amount_due, invoice.next_payment_attempt) == ("open", 1000, None)
    assert customer.events() == [
        "customer.subscription.updated",
        "invoiceitem.created",
        "invoiceitem.created",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
        "customer.updated",
    ]


def test_paid_with_another_card_it_is_granted(shop: Shop) -> None:
    customer, subscription = upgrading(shop, "pm_card_chargeCustomerFail", metadata={"campaign": "spring"})
    method = customer.use_card("pm_card_mastercard")
    customer.events()
    shop.v1.invoices.pay(subscription.latest_invoice.id, {"payment_method": method, "off_session": False})
    granted = customer.subscription()
    assert (item(granted).price.id, granted.pending_update, granted.status) == (shop.pro, None, "active")
    assert granted.metadata["campaign"] == "spring"
    assert customer.events()[-2:] == ["customer.subscription.updated", "customer.subscription.pending_update_applied"]
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 3000


@pytest.mark.parametrize(("answer", "price"), [("succeed", "pro"), ("fail", "basic")])
def test_the_bank_decides_about_an_upgrade(shop: Shop, answer: str, price: str) -> None:
    customer, subscription = upgrading(shop, "pm_card_authenticationRequired")
    assert (subscription.status, item(subscription).price.id) == ("active", shop.basic)
    intent = shop.v1.payment_intents.list({"customer": customer.id, "limit": 1}).data[0]
    assert intent.status == "requires_action"
    assert shop.server.control(f"payment_intents/{intent.id}/authenticate", {"outcome": answer}).status_code == 200
    decided = customer.subscription()
    assert item(decided).price.id == getattr(shop, price)
    assert (decided.pending_update is None) is (answer == "succeed")


def test_after_23_hours_it_is_forgotten(shop: Shop) -> None:
    customer, subscription = upgrading(shop, "pm_card_chargeCustomerFail")
    customer.events()
    customer.travel_to(EXPIRES - 1)
    assert customer.subscription().pending_update is not None
    customer.travel_to(EXPIRES)
    assert customer.subscription().pending_update is None
    assert shop.v1.invoices.retrieve(subscription.latest_invoice.id).status == "void"
    assert customer.events() == [
        "customer.subscription.updated",
        "customer.subscription.pending_update_expired",
        "payment_intent.canceled",
        "invoice.voided",
    ]
    assert item(customer.subscription()).price.id == shop.basic
    customer.use_card("pm_card_visa")
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 1000


def test_it_never_outlives_the_period(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 4, 30, 4))
    customer.use_card("pm_card_chargeCustomerFail")
    assert upgrade(shop, customer, shop.pro).pending_update.expires_at == date(2026, 5, 1)
    customer.travel_to(date(2026, 5, 1))
    renewed = customer.subscription()
    assert (renewed.pending_update, item(renewed).current_period_end) == (None, date(2026, 6, 1))
    assert customer.latest_invoice().total == 1000


def test_a_new_wish_takes_the_place_of_the_old(shop: Shop) -> None:
    customer, subscription = upgrading(shop, "pm_card_chargeCustomerFail")
    first = subscription.latest_invoice.id
    best = shop.price("Best", 5000)
    again = upgrade(shop, customer, best)
    assert shop.v1.invoices.retrieve(first).status == "void"
    assert again.pending_update.subscription_items[0].price.id == best
    customer.use_card("pm_card_visa")
    shop.v1.invoices.pay(again.latest_invoice.id)
    assert item(customer.subscription()).price.id == best


def test_voiding_its_invoice_takes_the_wish_back(shop: Shop) -> None:
    customer, subscription = upgrading(shop, "pm_card_chargeCustomerFail")
    shop.v1.invoices.void_invoice(subscription.latest_invoice.id)
    assert customer.subscription().pending_update is None
    customer.travel_to(EXPIRES + 3600)
    assert "customer.subscription.pending_update_expired" not in customer.events()


def test_a_canceled_subscription_waits_for_nothing(shop: Shop) -> None:
    customer, subscription = upgrading(shop, "pm_card_chargeCustomerFail")
    assert shop.v1.subscriptions.cancel(subscription.id).pending_update is None
    assert customer.latest_invoice().status == "void"


def test_a_trial_ends_only_when_its_first_period_is_paid(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, trial_period_days=14)
    customer.travel_to(date(2026, 1, 3))
    customer.use_card("pm_card_chargeCustomerFail")
    change: Any = {"trial_end": "now", "payment_behavior": "pending_if_incomplete"}
    waiting = shop.v1.subscriptions.update(subscription.id, change)
    assert (waiting.status, waiting.pending_update.trial_end) == ("trialing", date(2026, 1, 3))
    customer.use_card("pm_card_visa")
    shop.v1.invoices.pay(str(waiting.latest_invoice))
    started = customer.subscription()
    assert (started.status, started.trial_end) == ("active", date(2026, 1, 3))
    assert item(started).current_period_end == date(2026, 2, 3)


@pytest.mark.parametrize("more", [{"description": "x"}, {"cancel_at": date(2026, 5, 1)}, {"off_session": True}])
def test_what_makes_no_invoice_cannot_wait_for_one(shop: Shop, more: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="supported params"):
        upgrading(shop, "pm_card_visa", **more)


def test_an_update_without_anything_to_pay_is_applied(shop: Shop) -> None:
    _customer, subscription = upgrading(shop, "pm_card_chargeCustomerFail", proration_behavior="create_prorations")
    assert (item(subscription).price.id, subscription.pending_update) == (shop.pro, None)


def test_an_upgrade_to_be_confirmed_is_past_due_until_it_is_paid(shop: Shop) -> None:
    customer, subscription = upgrading(shop, "pm_card_visa", payment_behavior="default_incomplete")
    assert (subscription.status, item(subscription).price.id) == ("past_due", shop.pro)
    shop.v1.invoices.pay(subscription.latest_invoice.id)
    assert customer.subscription().status == "active"
