"""A card that stops working: retries, recovery, giving up."""

import pytest
import stripe

from tests.local_stripe.shop import DAY, Customer, Shop, date


def failing(shop: Shop) -> Customer:
    """A customer whose first renewal has just failed."""
    customer = shop.customer()
    customer.subscribe(shop.basic)
    customer.use_card("pm_card_chargeCustomerFail")
    customer.travel_to(date(2026, 2, 1))
    customer.events()
    customer.travel_to(date(2026, 2, 1, 1))
    return customer


def test_a_failed_renewal_is_past_due_and_tells_when_it_is_tried_again(shop: Shop) -> None:
    customer = failing(shop)
    invoice = customer.latest_invoice()
    assert customer.subscription().status == "past_due"
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    assert invoice.next_payment_attempt == date(2026, 2, 4, 1)
    assert customer.events() == [
        "invoice.finalized",
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
        "customer.updated",
        "customer.subscription.updated",
    ]
    assert shop.v1.customers.retrieve(customer.id).delinquent is True


@pytest.mark.parametrize(
    ("outcome", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")]
)
def test_after_the_last_try_the_account_decides(shop: Shop, outcome: str, status: str) -> None:
    shop.retry_settings(after_last_retry=outcome)
    customer = failing(shop)
    customer.travel_to(date(2026, 2, 1, 1) + 15 * DAY)
    invoice = customer.latest_invoice()
    assert (invoice.attempt_count, invoice.next_payment_attempt, invoice.status) == (4, None, "open")
    subscription = customer.subscription()
    assert subscription.status == status
    if status == "canceled":
        assert subscription.cancellation_details.reason == "payment_failed"
        assert invoice.auto_advance is False


def test_a_new_card_is_charged_by_the_next_try(shop: Shop) -> None:
    customer = failing(shop)
    customer.use_card("pm_card_visa")
    assert customer.latest_invoice().status == "open"
    customer.travel_to(date(2026, 2, 4, 1))
    assert customer.latest_invoice().status == "paid"
    assert customer.subscription().status == "active"


def test_a_customer_pays_the_open_invoice_with_a_new_card(shop: Shop) -> None:
    customer = failing(shop)
    method = shop.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    customer.events()
    paid = shop.v1.invoices.pay(customer.latest_invoice().id, {"payment_method": method.id, "off_session": False})
    assert (paid.status, paid.attempt_count, paid.next_payment_attempt) == ("paid", 1, None)
    assert customer.subscription().status == "active"
    assert customer.events() == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.updated",
        "customer.subscription.updated",
    ]


def test_paying_with_a_bad_card_is_declined_and_leaves_the_plan_of_tries_alone(shop: Shop) -> None:
    customer = failing(shop)
    invoice = customer.latest_invoice()
    customer.events()
    with pytest.raises(stripe.CardError) as declined:
        shop.v1.invoices.pay(invoice.id)
    assert customer.events() == ["charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"]
    assert declined.value.error.decline_code == "generic_decline"
    again = shop.v1.invoices.retrieve(invoice.id)
    assert (again.attempt_count, again.next_payment_attempt) == (1, invoice.next_payment_attempt)
    customer.travel_to(date(2026, 2, 4, 1))
    assert customer.latest_invoice().attempt_count == 2, "what Stripe tries by itself is counted"


def test_paid_out_of_band_counts_as_paid(shop: Shop) -> None:
    customer = failing(shop)
    paid = shop.v1.invoices.pay(customer.latest_invoice().id, {"paid_out_of_band": True})
    assert paid.status == "paid"
    assert customer.subscription().status == "active"


def test_a_debt_given_up_makes_the_customer_good_again(shop: Shop) -> None:
    customer = failing(shop)
    shop.v1.invoices.mark_uncollectible(customer.latest_invoice().id)
    assert customer.subscription().status == "active"
    assert shop.v1.customers.retrieve(customer.id).delinquent is False


def test_canceled_while_past_due_nobody_is_charged_again(shop: Shop) -> None:
    customer = failing(shop)
    shop.v1.subscriptions.cancel(customer.subscription().id)
    invoice = customer.latest_invoice()
    assert (invoice.status, invoice.auto_advance, invoice.next_payment_attempt) == ("open", False, None)
    customer.use_card("pm_card_visa")
    customer.travel_to(date(2026, 3, 1))
    assert customer.latest_invoice().status == "open"
    voided = shop.v1.invoices.void_invoice(invoice.id)
    assert voided.status == "void"
    assert shop.v1.payment_intents.list({"customer": customer.id, "limit": 1}).data[0].status == "canceled"


def test_the_bank_asks_for_the_customer_at_a_renewal(shop: Shop) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    customer.use_card("pm_card_authenticationRequired")
    customer.travel_to(date(2026, 2, 1, 2))
    assert customer.subscription().status == "past_due"
    assert "invoice.payment_action_required" in customer.events()
    intent = shop.v1.payment_intents.list({"customer": customer.id, "limit": 1}).data[0]
    assert intent.status == "requires_action"
    assert shop.server.control(f"payment_intents/{intent.id}/authenticate", {}).status_code == 200
    assert customer.subscription().status == "active"


def test_what_the_bank_refuses_for_good_is_counted_but_not_charged_again(shop: Shop) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 1, 20))
    shop.retry_settings(retry_days=[1, 2])
    customer.use_card("pm_card_authenticationRequired")
    customer.travel_to(date(2026, 2, 1, 1))
    charges = len(shop.v1.charges.list({"customer": customer.id}).data)
    customer.events()
    customer.travel_to(date(2026, 2, 2, 1))
    invoice = customer.latest_invoice()
    assert (invoice.attempt_count, invoice.next_payment_attempt) == (2, date(2026, 2, 4, 1))
    assert len(shop.v1.charges.list({"customer": customer.id}).data) == charges
    assert customer.events() == ["invoice.updated", "invoice.payment_failed"]
    customer.use_card("pm_card_visa")
    customer.travel_to(date(2026, 2, 4, 1))
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert customer.latest_invoice().attempt_count == 3


def test_an_unpaid_subscription_goes_on_with_drafts(shop: Shop) -> None:
    shop.retry_settings(retry_days=[], after_last_retry="unpaid")
    customer = failing(shop)
    unpaid = customer.latest_invoice()
    assert (customer.subscription().status, unpaid.status, unpaid.next_payment_attempt) == ("unpaid", "open", None)
    customer.travel_to(date(2026, 3, 5))
    draft = customer.latest_invoice()
    assert (draft.status, draft.auto_advance, draft.automatically_finalizes_at) == ("draft", False, None)
    customer.use_card("pm_card_visa")
    shop.v1.invoices.pay(unpaid.id)
    assert customer.subscription().status == "active"


def test_a_debt_given_up_says_why(shop: Shop) -> None:
    customer = failing(shop)
    given_up = shop.v1.invoices.mark_uncollectible(customer.latest_invoice().id)
    assert given_up.status_details.uncollectible.reason == "user_forgiven"


def test_canceling_leaves_a_draft_that_nobody_advances(shop: Shop) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 2, 1))
    shop.v1.subscriptions.cancel(customer.subscription().id)
    customer.travel_to(date(2026, 2, 3))
    draft = customer.latest_invoice()
    assert (draft.status, draft.auto_advance) == ("draft", False)


def test_the_last_try_can_pause_what_can_be_gone_on_with(shop: Shop) -> None:
    shop.retry_settings(retry_days=[], after_last_retry="pause")
    customer = failing(shop)
    paused = customer.subscription()
    assert (paused.status, paused.status_details.paused.subscription.type) == ("paused", "final_payment_failure")
    assert customer.latest_invoice().status == "open"
    assert customer.events()[-1] == "customer.subscription.paused"
