"""A subscription that stands still, and one that goes on without being paid for."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import Customer, Shop, date, item

MAY = date(2026, 5, 1)


def halfway(shop: Shop) -> Customer:
    """15 of 30 days into April."""
    customer = shop.customer(at=date(2026, 4, 1))
    customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 4, 16))
    customer.events()
    return customer


def paused(shop: Shop, **given: Any) -> Customer:
    customer = halfway(shop)
    shop.v1.subscriptions.pause(customer.subscription().id, given)
    return customer


def test_a_paused_subscription_has_no_more_periods(shop: Shop) -> None:
    customer = paused(shop)
    subscription = customer.subscription()
    assert subscription.status == "paused"
    assert subscription.status_details.paused.subscription.type == "pause_requested"
    assert subscription.status_details.paused.transitioned_at == date(2026, 4, 16)
    assert item(subscription).current_period_end == date(2026, 4, 16)
    assert customer.events() == [
        "invoiceitem.created",
        "customer.subscription.updated",
        "customer.subscription.paused",
    ]
    customer.travel_to(date(2026, 6, 1))
    assert customer.events() == []


@pytest.mark.parametrize(("since", "balance"), [("now", -500), ("item_current_period_start", -1000), ("none", 0)])
def test_unused_time_is_given_back(shop: Shop, since: str, balance: int) -> None:
    customer = paused(shop, invoicing_behavior="invoice", bill_for={"unused_time_from": {"type": since}})
    assert shop.v1.customers.retrieve(customer.id).balance == balance


def test_going_on_begins_a_new_cycle_when_it_is_paid(shop: Shop) -> None:
    customer = paused(shop)
    customer.travel_to(MAY)
    customer.events()
    resumed = shop.v1.subscriptions.resume(customer.subscription().id, {"expand": ["latest_invoice"]})
    assert (resumed.status, resumed.pending_update.expires_at) == ("paused", MAY + 23 * 3600)
    assert (resumed.latest_invoice.status, resumed.latest_invoice.amount_due) == ("open", 500)
    shop.v1.invoices.pay(resumed.latest_invoice.id)
    subscription = customer.subscription()
    assert (subscription.status, subscription.pending_update) == ("active", None)
    assert "status_details" not in subscription
    assert subscription.billing_cycle_anchor == MAY
    assert item(subscription).current_period_end == date(2026, 6, 1)
    assert customer.events()[-2:] == ["customer.subscription.updated", "customer.subscription.resumed"]
    customer.travel_to(date(2026, 6, 1, 2))
    assert customer.latest_invoice().amount_paid == 1000


def test_a_resumption_whose_payment_fails_is_past_due(shop: Shop) -> None:
    customer = paused(shop)
    customer.use_card("pm_card_chargeCustomerFail")
    resumed = shop.v1.subscriptions.resume(customer.subscription().id)
    with pytest.raises(stripe.CardError):
        shop.v1.invoices.pay(str(resumed.latest_invoice))
    assert customer.subscription().status == "past_due"
    assert customer.latest_invoice().next_payment_attempt is None


def test_a_resumption_that_must_be_paid_is_tried_again(shop: Shop) -> None:
    customer = paused(shop)
    customer.use_card("pm_card_chargeCustomerFail")
    wanted: Any = {"payment_behavior": "resume_on_payment_success"}
    assert shop.v1.subscriptions.resume(customer.subscription().id, wanted).status == "paused"
    assert customer.latest_invoice().next_payment_attempt == date(2026, 4, 19)
    customer.use_card("pm_card_visa")
    customer.travel_to(date(2026, 4, 19))
    assert customer.subscription().status == "active"


def test_a_resumption_that_nobody_pays_is_over_after_23_hours(shop: Shop) -> None:
    customer = paused(shop)
    shop.v1.subscriptions.resume(customer.subscription().id)
    customer.travel_to(date(2026, 4, 17))
    assert customer.latest_invoice().status == "void"
    assert customer.subscription().status == "paused"
    assert "customer.subscription.pending_update_expired" in customer.events()


def test_a_resumption_written_off_is_active(shop: Shop) -> None:
    customer = paused(shop)
    shop.v1.subscriptions.resume(customer.subscription().id)
    shop.v1.invoices.mark_uncollectible(customer.latest_invoice().id)
    assert customer.subscription().status == "active"


def test_going_on_in_the_old_cycle(shop: Shop) -> None:
    customer = paused(shop, bill_for={"unused_time_from": {"type": "none"}})
    customer.travel_to(date(2026, 5, 17))
    customer.events()
    wanted: Any = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "always_invoice"}
    shop.v1.subscriptions.resume(customer.subscription().id, wanted)
    assert customer.latest_invoice().amount_due == round(1000 * 15 / 31)
    shop.v1.invoices.pay(customer.latest_invoice().id)
    subscription = customer.subscription()
    assert (item(subscription).current_period_start, item(subscription).current_period_end) == (MAY, date(2026, 6, 1))


def test_nothing_to_pay_goes_on_at_once(shop: Shop) -> None:
    customer = paused(shop)
    wanted: Any = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"}
    customer.events()
    assert shop.v1.subscriptions.resume(customer.subscription().id, wanted).status == "active"
    assert customer.events() == ["customer.subscription.updated", "customer.subscription.resumed"]


def test_what_stands_still_or_is_on_trial_cannot_be_paused(shop: Shop) -> None:
    customer = paused(shop)
    with pytest.raises(stripe.InvalidRequestError, match="cannot pause"):
        shop.v1.subscriptions.pause(customer.subscription().id)
    trying = shop.customer().subscribe(shop.basic, trial_period_days=7)
    with pytest.raises(stripe.InvalidRequestError, match="cannot pause"):
        shop.v1.subscriptions.pause(trying.id)
    with pytest.raises(stripe.InvalidRequestError, match="paused"):
        shop.v1.subscriptions.resume(trying.id)


def test_a_trial_that_paused_goes_on_with_a_card(shop: Shop) -> None:
    customer = shop.customer(card=None)
    settings: Any = {"end_behavior": {"missing_payment_method": "pause"}}
    customer.subscribe(shop.basic, trial_period_days=7, trial_settings=settings)
    customer.travel_to(date(2026, 1, 9))
    subscription = customer.subscription()
    assert subscription.status_details.paused.subscription.type == "trial_end_without_payment_method"
    customer.use_card("pm_card_visa")
    wanted: Any = {"payment_behavior": "resume_on_payment_success"}
    resumed = shop.v1.subscriptions.resume(subscription.id, wanted)
    assert (resumed.status, item(resumed).current_period_end) == ("active", date(2026, 2, 9))
    assert customer.latest_invoice().amount_paid == 1000


@pytest.mark.parametrize(
    ("behavior", "status", "events"),
    [
        ("keep_as_draft", "draft", []),
        ("void", "void", ["invoice.finalized", "payment_intent.created", "payment_intent.canceled", "invoice.voided"]),
        (
            "mark_uncollectible",
            "uncollectible",
            ["invoice.finalized", "payment_intent.created", "invoice.marked_uncollectible"],
        ),
    ],
)
def test_while_collection_is_paused_nobody_pays(shop: Shop, behavior: str, status: str, events: list[str]) -> None:
    customer = halfway(shop)
    pause: Any = {"pause_collection": {"behavior": behavior}}
    assert shop.v1.subscriptions.update(customer.subscription().id, pause).status == "active"
    assert customer.events() == ["customer.subscription.updated"]
    customer.travel_to(date(2026, 5, 3))
    invoice = customer.latest_invoice()
    assert (invoice.status, invoice.auto_advance, customer.subscription().status) == (status, False, "active")
    assert customer.events() == ["customer.subscription.updated", "invoice.created", *events]


def test_collection_is_resumed_on_its_day(shop: Shop) -> None:
    customer = halfway(shop)
    pause: Any = {"pause_collection": {"behavior": "void", "resumes_at": date(2026, 5, 20)}}
    shop.v1.subscriptions.update(customer.subscription().id, pause)
    customer.travel_to(date(2026, 5, 20))
    assert customer.subscription().pause_collection is None
    customer.travel_to(date(2026, 6, 1, 2))
    assert customer.latest_invoice().status == "paid"


def test_collection_is_resumed_by_hand(shop: Shop) -> None:
    customer = halfway(shop)
    subscription = customer.subscription()
    shop.v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "keep_as_draft"}})
    assert shop.v1.subscriptions.update(subscription.id, {"pause_collection": ""}).pause_collection is None
    past: Any = {"pause_collection": {"behavior": "void", "resumes_at": date(2026, 4, 1)}}
    with pytest.raises(stripe.InvalidRequestError, match="future"):
        shop.v1.subscriptions.update(subscription.id, past)


def test_what_was_to_end_with_its_period_ends_then_although_it_stands_still(shop: Shop) -> None:
    customer = halfway(shop)
    subscription = customer.subscription()
    shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    shop.v1.subscriptions.pause(subscription.id)
    customer.travel_to(MAY)
    assert customer.subscription().status == "canceled"
