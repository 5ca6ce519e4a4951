"""The customer's balance: every change of it is written down, and invoices use it up."""

import pytest
import stripe

from tests.local_stripe.shop import Customer, Shop, date, item


def ledger(customer: Customer) -> list[tuple[str, int, int]]:
    """Type, amount and balance afterwards of every change, oldest first."""
    written = customer.v1.customers.balance_transactions.list(customer.id).data[::-1]
    return [(one.type, one.amount, one.ending_balance) for one in written]


def test_a_downgrade_credits_and_the_next_invoices_use_it_up(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(shop.pro)
    customer.travel_to(date(2026, 4, 4))
    change = {"items": [{"id": item(subscription).id, "price": shop.basic}], "proration_behavior": "always_invoice"}
    customer.events()
    shop.v1.subscriptions.update(subscription.id, change)  # type: ignore[arg-type]
    assert "customer.updated" in customer.events()
    customer.travel_to(date(2026, 5, 1, 2))
    customer.travel_to(date(2026, 6, 1, 2))
    assert ledger(customer) == [
        ("applied_to_invoice", -1800, -1800),
        ("applied_to_invoice", 1000, -800),
        ("applied_to_invoice", 800, 0),
    ]
    assert customer.latest_invoice().amount_paid == 200


def test_too_small_a_rest_is_owed_with_the_next_invoice(shop: Shop) -> None:
    slightly_more = shop.price("Basic and a bit", 1005)
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 4, 16))
    change = {"items": [{"id": item(subscription).id, "price": slightly_more}], "proration_behavior": "always_invoice"}
    shop.v1.subscriptions.update(subscription.id, change)  # type: ignore[arg-type]
    small = customer.latest_invoice()
    assert (small.total, small.amount_due, small.status, small.ending_balance) == (3, 0, "paid", 3)
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 1008
    assert ledger(customer) == [("invoice_too_small", 3, 3), ("applied_to_invoice", -3, 0)]


def test_a_voided_invoice_gives_back_what_the_balance_paid(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    shop.v1.customers.update(customer.id, {"balance": -300})
    customer.subscribe(shop.basic)
    assert customer.latest_invoice().amount_due == 700
    shop.v1.invoices.void_invoice(customer.latest_invoice().id)
    assert ledger(customer)[1:] == [("applied_to_invoice", 300, 0), ("unapplied_from_invoice", -300, -300)]


def test_credit_by_hand(shop: Shop) -> None:
    customer = shop.customer()
    transactions = shop.v1.customers.balance_transactions
    made = transactions.create(customer.id, {"amount": -500, "currency": "usd", "description": "sorry"})
    assert (made.type, made.ending_balance) == ("adjustment", -500)
    assert transactions.retrieve(customer.id, made.id).description == "sorry"
    customer.subscribe(shop.basic)
    assert customer.latest_invoice().amount_paid == 500


def test_too_little_cannot_be_charged(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.create({"amount": 49, "currency": "usd"})
    assert refused.value.code == "amount_too_small"
