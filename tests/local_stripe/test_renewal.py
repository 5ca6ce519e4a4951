"""A subscription that is renewed month after month."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import DAY, Shop, date, item


def test_a_paid_sign_up_is_active_at_once(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, expand=["latest_invoice.payments"])
    assert subscription.status == "active"
    assert subscription.latest_invoice.amount_paid == 1000
    assert subscription.latest_invoice.payments.data[0].status == "paid"
    assert customer.events() == [
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_a_renewal_is_a_draft_for_an_hour_and_then_paid(shop: Shop) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    customer.events()

    customer.travel_to(date(2026, 2, 1))
    assert customer.events() == ["customer.subscription.updated", "invoice.created"]
    draft = customer.latest_invoice()
    assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
    assert draft.automatically_finalizes_at == date(2026, 2, 1, 1)
    assert item(customer.subscription()).current_period_end == date(2026, 3, 1)

    customer.travel_to(date(2026, 2, 1, 1))
    assert customer.events() == [
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    assert customer.latest_invoice().status == "paid"


def test_the_updated_event_tells_the_old_period(shop: Shop) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 2, 1))
    (event,) = [
        one
        for one in shop.v1.events.list({"type": "customer.subscription.updated"}).data
        if one.data.object.customer == customer.id
    ]
    (old,) = event.data.previous_attributes["items"]["data"]
    assert old["current_period_end"] == date(2026, 2, 1)


def test_the_end_of_january_comes_back_after_february(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 1, 31))
    customer.subscribe(shop.basic)
    ends = [item(customer.subscription()).current_period_end]
    for _ in range(3):
        customer.travel_to(ends[-1] + DAY // 2)
        ends.append(item(customer.subscription()).current_period_end)
    assert ends == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]


def test_a_clock_goes_two_intervals_at_most(shop: Shop) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    with pytest.raises(stripe.InvalidRequestError, match="at most two intervals"):
        customer.travel_to(date(2026, 3, 2))


@pytest.mark.parametrize(
    ("config", "anchor"),
    [
        ({"day_of_month": 15}, date(2026, 1, 15)),
        ({"day_of_month": 31, "hour": 12}, date(2026, 1, 31, 12)),
        ({"day_of_month": 1, "hour": 0}, date(2026, 2, 1)),
    ],
)
def test_renewed_on_a_day_of_the_month(shop: Shop, config: Any, anchor: int) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, billing_cycle_anchor_config=config)
    assert (subscription.billing_cycle_anchor, item(subscription).current_period_end) == (anchor, anchor)
    assert subscription.billing_cycle_anchor_config.day_of_month == config["day_of_month"]


def test_several_items_come_and_go(shop: Shop) -> None:
    extra = shop.price("Seats", 200)
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 4, 16))
    two: Any = {"items": [{"price": extra, "quantity": 3}]}
    grown = shop.v1.subscriptions.update(subscription.id, two)
    assert [one.quantity for one in grown["items"].data] == [1, 3]
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 300 + 1000 + 600
    one: Any = {"items": [{"id": grown["items"].data[1].id, "deleted": True}], "proration_behavior": "none"}
    shop.v1.subscriptions.update(subscription.id, one)
    customer.travel_to(date(2026, 6, 1, 2))
    assert customer.latest_invoice().amount_paid == 1000
