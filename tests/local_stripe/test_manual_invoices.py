"""Invoices that somebody writes by hand, and what is put on them."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import Customer, Shop, date


@pytest.fixture
def customer(shop: Shop) -> Customer:
    return shop.customer(at=date(2026, 1, 1))


def add(customer: Customer, amount: int, **given: Any) -> stripe.InvoiceItem:
    params: Any = {"customer": customer.id, "amount": amount, "currency": "usd", **given}
    return customer.v1.invoice_items.create(params)


def draft(customer: Customer, **given: Any) -> stripe.Invoice:
    params: Any = {"customer": customer.id, **given}
    return customer.v1.invoices.create(params)


def test_a_card_that_must_be_authenticated_asks_for_the_customer(customer: Customer) -> None:
    """As with the trigger ``invoice.payment_action_required`` of Stripe's own CLI."""
    written = draft(customer)
    add(customer, 2000, invoice=written.id)
    method = customer.v1.payment_methods.attach("pm_card_threeDSecure2Required", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as refused:
        customer.v1.invoices.pay(written.id, {"payment_method": method.id})
    assert refused.value.code == "invoice_payment_intent_requires_action"
    assert "invoice.payment_action_required" in customer.events()


def test_written_finalized_and_paid(customer: Customer) -> None:
    written = draft(customer, description="Work")
    add(customer, 2500, description="Ten hours", invoice=written.id)
    assert customer.v1.invoices.retrieve(written.id).amount_due == 2500
    finalized = customer.v1.invoices.finalize_invoice(written.id)
    assert (finalized.status, finalized.billing_reason, finalized.parent) == ("open", "manual", None)
    paid = customer.v1.invoices.pay(written.id)
    assert (paid.status, paid.amount_paid, paid.lines.data[0].description) == ("paid", 2500, "Ten hours")
    assert customer.events() == [
        "invoice.created",
        "invoiceitem.created",
        "invoice.updated",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_left_alone_it_advances_only_when_told_to(customer: Customer) -> None:
    add(customer, 700)
    still = draft(customer, pending_invoice_items_behavior="include")
    moving = draft(customer, auto_advance=True)
    add(customer, 900, invoice=moving.id)
    customer.travel_to(date(2026, 1, 2))
    assert customer.v1.invoices.retrieve(still.id).status == "draft"
    done = customer.v1.invoices.retrieve(moving.id)
    assert (done.status, done.amount_paid) == ("paid", 900)


def test_what_waits_joins_the_next_renewal(customer: Customer, shop: Shop) -> None:
    customer.subscribe(shop.basic)
    waiting = add(customer, 333)
    assert shop.v1.invoices.create_preview({"customer": customer.id, "subscription": customer.subscription().id}).total
    customer.travel_to(date(2026, 2, 1, 2))
    renewal = customer.latest_invoice()
    assert (renewal.total, [line.amount for line in renewal.lines.data]) == (1333, [333, 1000])
    assert shop.v1.invoice_items.retrieve(waiting.id).invoice == renewal.id


def test_of_a_price_with_a_quantity(customer: Customer, shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Sticker"}).id
    price = shop.v1.prices.create({"product": product, "unit_amount": 150, "currency": "usd"}).id
    made = shop.v1.invoice_items.create({"customer": customer.id, "pricing": {"price": price}, "quantity": 3})
    assert (made.amount, made.description, made.quantity) == (450, "Sticker", 3)
    changed = shop.v1.invoice_items.update(made.id, {"quantity": 2})
    assert changed.amount == 300
    with pytest.raises(stripe.InvalidRequestError, match="one_time"):
        shop.v1.invoice_items.create({"customer": customer.id, "pricing": {"price": shop.basic}})
    shop.v1.invoice_items.delete(made.id)
    assert shop.v1.invoice_items.list({"customer": customer.id, "pending": True}).data == []


def test_a_draft_can_be_changed_and_thrown_away(customer: Customer, shop: Shop) -> None:
    written = draft(customer)
    first = add(customer, 500, invoice=written.id)
    added = shop.v1.invoices.add_lines(written.id, {"lines": [{"amount": 200, "description": "More"}]})
    assert added.total == 700
    assert shop.v1.invoice_items.update(first.id, {"amount": 600}).amount == 600
    assert shop.v1.invoices.retrieve(written.id).total == 800
    more = added.lines.data[1].id
    removed = shop.v1.invoices.remove_lines(written.id, {"lines": [{"id": more, "behavior": "delete"}]})
    assert removed.total == 600
    assert shop.v1.invoices.delete(written.id).deleted
    assert shop.v1.invoice_items.retrieve(first.id).invoice is None
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
        shop.v1.invoices.retrieve(written.id)


def test_what_is_finalized_is_no_longer_editable(customer: Customer, shop: Shop) -> None:
    written = draft(customer)
    item = add(customer, 500, invoice=written.id)
    shop.v1.invoices.finalize_invoice(written.id)
    refusals: list[Any] = [
        lambda: add(customer, 100, invoice=written.id),
        lambda: shop.v1.invoice_items.delete(item.id),
        lambda: shop.v1.invoices.delete(written.id),
        lambda: shop.v1.invoices.update(written.id, {"discounts": ""}),
    ]
    for refused in refusals:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            refused()
        assert refusal.value.code == "invoice_not_editable"


def test_sent_to_be_paid_until_a_date(customer: Customer, shop: Shop) -> None:
    written = draft(customer, collection_method="send_invoice", days_until_due=10)
    assert written.due_date == date(2026, 1, 11)
    add(customer, 500, invoice=written.id)
    sent = shop.v1.invoices.send_invoice(written.id)
    assert (sent.status, sent.attempt_count) == ("open", 0)
    assert "invoice.sent" in customer.events()
    customer.travel_to(date(2026, 1, 12))
    assert "invoice.overdue" in customer.events()
    paid = shop.v1.invoices.pay(written.id, {"paid_out_of_band": True})
    assert paid.status == "paid"


def test_advancing_sends_it_instead_of_charging(customer: Customer, shop: Shop) -> None:
    written = draft(customer, collection_method="send_invoice", due_date=date(2026, 1, 20), auto_advance=True)
    add(customer, 500, invoice=written.id)
    customer.travel_to(date(2026, 1, 2))
    assert shop.v1.invoices.retrieve(written.id).status == "open"
    assert "invoice.sent" in customer.events()


def test_with_a_discount(customer: Customer, shop: Shop) -> None:
    half, tenth = (shop.v1.coupons.create({"percent_off": off}).id for off in (50, 10))
    written = draft(customer, discounts=[{"coupon": tenth}])
    add(customer, 1000, invoice=written.id, discounts=[{"coupon": half}])
    add(customer, -100, invoice=written.id)
    shown = shop.v1.invoices.retrieve(written.id)
    assert (shown.subtotal, shown.total) == (900, 350)
    assert len(shown.discounts) == 1
    assert shop.v1.invoices.update(written.id, {"discounts": ""}).total == 400


@pytest.mark.parametrize(
    "given", [{"days_until_due": 3}, {"collection_method": "send_invoice"}, {"number": "X", "due_date": 5}]
)
def test_terms_that_make_no_sense(customer: Customer, given: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        draft(customer, **given)


def test_what_waits_for_a_subscription_can_be_billed_now(customer: Customer, shop: Shop) -> None:
    subscription = customer.subscribe(shop.basic)
    add(customer, 250, subscription=subscription.id)
    billed = draft(customer, subscription=subscription.id)
    assert (billed.total, billed.billing_reason) == (250, "manual")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        draft(customer, subscription=subscription.id)
    assert refused.value.code == "invoice_no_subscription_line_items"


def once_only(shop: Shop, amount: int) -> str:
    product = shop.v1.products.create({"name": "Setup"}).id
    return shop.v1.prices.create({"product": product, "unit_amount": amount, "currency": "usd"}).id


def test_a_setup_fee_is_on_the_first_invoice_only(customer: Customer, shop: Shop) -> None:
    fee = [{"price": once_only(shop, 4900)}]
    subscription = customer.subscribe(shop.basic, add_invoice_items=fee)
    assert customer.latest_invoice().amount_paid == 5900
    extra: Any = {"add_invoice_items": [{"price": once_only(shop, 250), "quantity": 2}]}
    items: Any = [{"amount": 100, "currency": "usd", "description": "Perhaps"}]
    shop.v1.subscriptions.update(subscription.id, extra)
    assert shop.v1.invoices.create_preview({"subscription": subscription.id, "invoice_items": items}).total == 1600
    customer.travel_to(date(2026, 2, 1, 2))
    assert customer.latest_invoice().amount_paid == 1500
    customer.travel_to(date(2026, 3, 1, 2))
    assert customer.latest_invoice().amount_paid == 1000
