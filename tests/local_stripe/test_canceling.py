"""Ending a subscription: at once, at the end of the period, on a day; and money back."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import Shop, date, item


def test_canceled_at_the_end_of_the_period(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 1, 10))
    scheduled = shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (scheduled.status, scheduled.canceled_at, scheduled.cancel_at) == (
        "active",
        date(2026, 1, 10),
        date(2026, 2, 1),
    )
    customer.events()
    customer.travel_to(date(2026, 2, 1))
    assert customer.events() == ["customer.subscription.deleted"]
    ended = customer.subscription()
    assert (ended.status, ended.ended_at) == ("canceled", date(2026, 2, 1))
    assert shop.v1.subscriptions.list({"customer": customer.id}).data == []


def test_a_scheduled_cancellation_is_taken_back(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic)
    shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    kept = shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (kept.canceled_at, kept.cancel_at) == (None, None)
    customer.travel_to(date(2026, 2, 1, 2))
    assert customer.subscription().status == "active"


def test_canceled_on_a_day(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic)
    without_credit: Any = {"cancel_at": date(2026, 1, 20), "proration_behavior": "none"}
    shop.v1.subscriptions.update(subscription.id, without_credit)
    customer.travel_to(date(2026, 1, 21))
    assert customer.subscription().ended_at == date(2026, 1, 20)


def test_the_rest_of_a_period_that_is_cut_short_is_credited(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(shop.basic)
    cut = shop.v1.subscriptions.update(subscription.id, {"cancel_at": date(2026, 4, 16)})
    assert (cut.cancel_at, item(cut).current_period_end) == (date(2026, 4, 16), date(2026, 4, 16))
    customer.travel_to(date(2026, 4, 16, 2))
    assert customer.subscription().ended_at == date(2026, 4, 16)
    assert shop.v1.customers.retrieve(customer.id).balance == -500


def test_a_period_cut_short_is_made_whole_again(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(shop.basic)
    shop.v1.subscriptions.update(subscription.id, {"cancel_at": date(2026, 4, 16)})
    kept = shop.v1.subscriptions.update(subscription.id, {"cancel_at": ""})
    assert (kept.cancel_at, item(kept).current_period_end) == (None, date(2026, 5, 1))
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 1000


def test_a_later_period_that_is_cut_short_is_billed_in_part(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 3, 1))
    subscription = customer.subscribe(shop.basic)
    shop.v1.subscriptions.update(subscription.id, {"cancel_at": date(2026, 4, 16)})
    customer.travel_to(date(2026, 4, 1, 2))
    assert customer.latest_invoice().amount_paid == 500
    assert item(customer.subscription()).current_period_end == date(2026, 4, 16)
    customer.travel_to(date(2026, 4, 16))
    assert customer.subscription().status == "canceled"


def test_a_sign_up_that_ends_within_its_first_period_pays_for_a_part(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    customer.subscribe(shop.basic, cancel_at=date(2026, 4, 16))
    assert customer.latest_invoice().amount_paid == 500


def test_canceled_at_once_with_the_rest_credited(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 4, 16))
    details = {"comment": "moving", "feedback": "unused"}
    ended = shop.v1.subscriptions.cancel(
        subscription.id, {"prorate": True, "invoice_now": True, "cancellation_details": details}
    )
    assert ended.status == "canceled"
    assert (ended.cancellation_details.feedback, ended.cancellation_details.reason) == (
        "unused",
        "cancellation_requested",
    )
    assert shop.v1.customers.retrieve(customer.id).balance == -500
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})


def test_what_an_upgrade_still_owes_is_collected_at_the_end(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 4, 22))
    shop.v1.subscriptions.update(subscription.id, {"items": [{"id": item(subscription).id, "price": shop.pro}]})
    shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    preview = shop.v1.invoices.create_preview({"subscription": subscription.id})
    customer.events()
    customer.travel_to(date(2026, 5, 1))
    assert customer.events() == ["invoice.created", "customer.subscription.deleted"]
    customer.travel_to(date(2026, 5, 1, 2))
    final = customer.latest_invoice()
    assert (final.total, final.amount_paid, preview.total) == (600, 600, 600)


def test_canceling_an_unpaid_sign_up_voids_its_invoice(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    subscription = customer.subscribe(shop.basic)
    assert shop.v1.subscriptions.cancel(subscription.id).status == "incomplete_expired"
    assert customer.latest_invoice().status == "void"


def test_money_back(shop: Shop) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    intent = shop.v1.payment_intents.list({"customer": customer.id}).data[0]
    customer.events()
    shop.v1.refunds.create({"payment_intent": intent.id, "amount": 400})
    shop.v1.refunds.create({"payment_intent": intent.id})
    assert customer.events().count("charge.refunded") == 2
    charge = shop.v1.charges.retrieve(str(intent.latest_charge), {"expand": ["refunds"]})
    assert (charge.refunded, charge.amount_refunded, len(charge.refunds.data)) == (True, 1000, 2)


def test_a_deleted_customer_takes_subscriptions_along(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic)
    shop.v1.customers.delete(customer.id)
    assert shop.v1.customers.retrieve(customer.id).deleted is True
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"
