"""Changes that are planned ahead: the downgrade at the end of the period, and whole plans of phases."""

from typing import Any

import pytest
import stripe
from stripe import SubscriptionSchedule

from tests.local_stripe.shop import Customer, Shop, date, item

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


def on_pro(shop: Shop) -> Customer:
    customer = shop.customer(at=date(2026, 4, 1))
    customer.subscribe(shop.pro)
    customer.travel_to(date(2026, 4, 16))
    customer.events()
    return customer


def phase(schedule: SubscriptionSchedule, place: int = 0) -> Any:
    return schedule.phases[place]


def downgrading(shop: Shop, customer: Customer, **more: Any) -> SubscriptionSchedule:
    """Pro until the period ends, then Basic for a month."""
    schedules = shop.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": customer.subscription().id})
    now: Any = {"items": [{"price": shop.pro}], "start_date": phase(schedule).start_date, "end_date": MAY}
    then: Any = {"items": [{"price": shop.basic}], "duration": {"interval": "month"}, "proration_behavior": "none"}
    return schedules.update(schedule.id, {"phases": [now, then], **more})


def test_a_schedule_takes_over_a_subscription(shop: Shop) -> None:
    customer = on_pro(shop)
    schedule = shop.v1.subscription_schedules.create({"from_subscription": customer.subscription().id})
    assert (schedule.status, schedule.end_behavior) == ("active", "release")
    assert (phase(schedule).start_date, phase(schedule).end_date) == (date(2026, 4, 1), MAY)
    assert phase(schedule)["items"][0].price == shop.pro
    assert customer.subscription().schedule == schedule.id
    assert customer.events() == ["subscription_schedule.created", "customer.subscription.updated"]
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        shop.v1.subscription_schedules.create({"from_subscription": customer.subscription().id})
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        shop.v1.subscriptions.update(customer.subscription().id, {"cancel_at_period_end": True})
    assert shop.v1.subscription_schedules.retrieve(schedule.id).id == schedule.id
    assert shop.v1.subscription_schedules.list({"customer": customer.id}).data[0].id == schedule.id


def test_a_downgrade_at_the_end_of_the_period(shop: Shop) -> None:
    customer = on_pro(shop)
    schedule = downgrading(shop, customer)
    assert item(customer.subscription()).price.id == shop.pro
    assert (phase(schedule, 1).start_date, phase(schedule, 1).end_date) == (MAY, JUNE)
    customer.events()
    customer.travel_to(MAY)
    assert item(customer.subscription()).price.id == shop.basic
    assert customer.events() == [
        "subscription_schedule.updated",
        "customer.subscription.updated",
        "invoice.created",
    ]
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 1000


def test_after_its_last_phase_the_subscription_goes_on_by_itself(shop: Shop) -> None:
    customer = on_pro(shop)
    schedule = downgrading(shop, customer)
    customer.travel_to(MAY)
    customer.travel_to(date(2026, 6, 1, 2))
    released = shop.v1.subscription_schedules.retrieve(schedule.id)
    assert (released.status, released.released_at, released.subscription) == ("released", JUNE, None)
    assert released.released_subscription == customer.subscription().id
    assert (customer.subscription().schedule, customer.subscription().status) == (None, "active")
    assert "subscription_schedule.expiring" in customer.events()


def test_a_schedule_can_end_its_subscription(shop: Shop) -> None:
    customer = on_pro(shop)
    schedule = downgrading(shop, customer, end_behavior="cancel")
    customer.travel_to(MAY)
    assert customer.subscription().cancel_at == JUNE
    customer.events()
    customer.travel_to(JUNE)
    assert customer.subscription().status == "canceled"
    assert shop.v1.subscription_schedules.retrieve(schedule.id).status == "completed"
    assert customer.events()[-2:] == ["customer.subscription.deleted", "subscription_schedule.completed"]


def test_a_downgrade_is_called_off(shop: Shop) -> None:
    customer = on_pro(shop)
    schedule = downgrading(shop, customer)
    customer.events()
    released = shop.v1.subscription_schedules.release(schedule.id)
    assert (released.status, released.current_phase) == ("released", None)
    assert customer.events() == ["customer.subscription.updated", "subscription_schedule.released"]
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 3000
    with pytest.raises(stripe.InvalidRequestError, match="`released` status"):
        shop.v1.subscription_schedules.release(schedule.id)


def test_a_change_in_the_middle_of_a_period_is_prorated(shop: Shop) -> None:
    customer = on_pro(shop)
    schedules = shop.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": customer.subscription().id})
    middle = date(2026, 4, 21)
    now: Any = {"items": [{"price": shop.pro}], "start_date": phase(schedule).start_date, "end_date": middle}
    then: Any = {"items": [{"price": shop.basic, "quantity": 2}], "end_date": JUNE}
    schedules.update(schedule.id, {"phases": [now, {**then, "proration_behavior": "always_invoice"}]})
    customer.travel_to(middle)
    assert (item(customer.subscription()).price.id, item(customer.subscription()).quantity) == (shop.basic, 2)
    assert [line.amount for line in customer.latest_invoice().lines.data] == [-1000, 667]


def test_the_phase_that_runs_is_changed_at_once(shop: Shop) -> None:
    customer = on_pro(shop)
    schedules = shop.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": customer.subscription().id})
    more: Any = {"items": [{"price": shop.pro, "quantity": 2}], "start_date": phase(schedule).start_date}
    schedules.update(schedule.id, {"phases": [{**more, "end_date": MAY}], "proration_behavior": "none"})
    assert item(customer.subscription()).quantity == 2
    with pytest.raises(stripe.InvalidRequestError, match="anchor end dates"):
        schedules.update(schedule.id, {"phases": [{"items": [{"price": shop.pro}]}]})


def test_a_subscription_that_begins_later(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 16))
    customer.events()
    first: Any = {"items": [{"price": shop.basic}], "metadata": {"origin": "promotion"}}
    given: Any = {"customer": customer.id, "start_date": MAY, "phases": [first]}
    schedule = shop.v1.subscription_schedules.create(given)
    assert (schedule.status, schedule.subscription, schedule.current_phase) == ("not_started", None, None)
    customer.events()
    customer.travel_to(MAY)
    subscription = customer.subscription()
    assert (subscription.status, subscription.schedule) == ("active", schedule.id)
    assert subscription.metadata["origin"] == "promotion"
    assert customer.latest_invoice().status == "draft"
    assert customer.events() == [
        "customer.subscription.created",
        "invoice.created",
        "subscription_schedule.updated",
    ]
    customer.travel_to(date(2026, 5, 1, 2))
    assert customer.latest_invoice().amount_paid == 1000


def test_a_schedule_that_never_began_is_canceled(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 16))
    given: Any = {"customer": customer.id, "start_date": MAY, "phases": [{"items": [{"price": shop.basic}]}]}
    schedule = shop.v1.subscription_schedules.create(given)
    canceled = shop.v1.subscription_schedules.cancel(schedule.id)
    assert (canceled.status, canceled.canceled_at) == ("canceled", date(2026, 4, 16))
    customer.travel_to(date(2026, 5, 2))
    assert shop.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []


def test_canceling_a_schedule_cancels_its_subscription(shop: Shop) -> None:
    customer = on_pro(shop)
    schedule = downgrading(shop, customer)
    customer.events()
    assert shop.v1.subscription_schedules.cancel(schedule.id).status == "canceled"
    assert customer.subscription().status == "canceled"
    assert shop.v1.customers.retrieve(customer.id).balance == -1500


def test_a_debt_that_ends_the_subscription_aborts_its_schedule(shop: Shop) -> None:
    customer = on_pro(shop)
    shop.retry_settings(retry_days=[1])
    downgrading(shop, customer)
    customer.use_card("pm_card_chargeCustomerFail")
    customer.travel_to(date(2026, 5, 3))
    assert customer.subscription().status == "canceled"
    assert "subscription_schedule.aborted" in customer.events()


def test_a_change_of_phase_discards_an_upgrade_that_waits(shop: Shop) -> None:
    customer = on_pro(shop)
    downgrading(shop, customer)
    customer.travel_to(date(2026, 4, 30, 12))
    customer.use_card("pm_card_chargeCustomerFail")
    subscription = customer.subscription()
    behavior = {"payment_behavior": "pending_if_incomplete", "proration_behavior": "always_invoice"}
    best = shop.price("Best", 50000)
    change: Any = {"items": [{"id": item(subscription).id, "price": best}], **behavior}
    assert shop.v1.subscriptions.update(subscription.id, change).pending_update is not None
    customer.travel_to(MAY)
    assert customer.subscription().pending_update is None
    assert item(customer.subscription()).price.id == shop.basic


def test_a_discount_goes_along_only_when_the_phase_says_so(shop: Shop) -> None:
    half: Any = {"percent_off": 50, "duration": "forever"}
    coupon = shop.v1.coupons.create(half).id
    for keeps, paid in ((True, 500), (False, 1000)):
        customer = shop.customer(at=date(2026, 4, 1))
        customer.subscribe(shop.pro, discounts=[{"coupon": coupon}])
        schedules = shop.v1.subscription_schedules
        schedule = schedules.create({"from_subscription": customer.subscription().id})
        (kept,) = phase(schedule).discounts
        discounts: Any = [{"discount": kept.discount}]
        now: Any = {"items": [{"price": shop.pro}], "start_date": phase(schedule).start_date, "end_date": MAY}
        then: Any = {"items": [{"price": shop.basic}], **({"discounts": discounts} if keeps else {})}
        schedules.update(schedule.id, {"phases": [{**now, "discounts": discounts}, then]})
        customer.travel_to(date(2026, 5, 1, 2))
        assert customer.latest_invoice().amount_paid == paid


def test_a_phase_brings_a_coupon_once(shop: Shop) -> None:
    tenth: Any = {"percent_off": 10, "duration": "forever"}
    coupon = shop.v1.coupons.create(tenth).id
    customer = shop.customer(at=date(2026, 4, 16))
    first: Any = {"items": [{"price": shop.basic}], "discounts": [{"coupon": coupon}]}
    schedule = shop.v1.subscription_schedules.create({"customer": customer.id, "phases": [first]})
    start = phase(schedule).start_date
    shop.v1.subscription_schedules.update(schedule.id, {"phases": [{**first, "start_date": start}]})
    assert shop.v1.coupons.retrieve(coupon).times_redeemed == 1
    customer.travel_to(date(2026, 4, 16, 2))
    assert customer.latest_invoice().amount_paid == 900
    expanded = shop.v1.subscription_schedules.retrieve(schedule.id, {"expand": ["phases.items.price", "subscription"]})
    assert phase(expanded)["items"][0].price.unit_amount == 1000
    assert expanded.subscription.schedule == schedule.id


def test_the_next_invoice_is_that_of_the_next_phase(shop: Shop) -> None:
    customer = on_pro(shop)
    downgrading(shop, customer)
    preview = shop.v1.invoices.create_preview({"subscription": customer.subscription().id})
    assert preview.amount_due == 1000
    assert item(customer.subscription()).price.id == shop.pro


def test_a_deleted_customer_never_begins(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 16))
    given: Any = {"customer": customer.id, "start_date": MAY, "phases": [{"items": [{"price": shop.basic}]}]}
    schedule = shop.v1.subscription_schedules.create(given)
    shop.v1.customers.delete(customer.id)
    customer.travel_to(MAY)
    assert shop.v1.subscription_schedules.retrieve(schedule.id).status == "canceled"


def test_a_phase_that_nobody_can_pay_is_past_due(shop: Shop) -> None:
    customer = on_pro(shop)
    schedules = shop.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": customer.subscription().id})
    now: Any = {"items": [{"price": shop.pro}], "start_date": phase(schedule).start_date, "end_date": date(2026, 4, 21)}
    then: Any = {"items": [{"price": shop.pro, "quantity": 2}], "proration_behavior": "always_invoice"}
    schedules.update(schedule.id, {"phases": [now, then]})
    shop.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": ""}})
    customer.travel_to(date(2026, 4, 21))
    assert customer.subscription().status == "past_due"
    assert customer.latest_invoice().status == "open"
