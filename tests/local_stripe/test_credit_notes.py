"""An invoice was too high: less is asked for, or money goes back."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import Customer, Shop, date


@pytest.fixture
def paid(shop: Shop) -> Customer:
    customer = shop.customer(at=date(2026, 1, 1))
    customer.subscribe(shop.basic)
    customer.events()
    return customer


@pytest.fixture
def owing(shop: Shop) -> Customer:
    customer = shop.customer("pm_card_chargeCustomerFail")
    customer.subscribe(shop.basic)
    customer.events()
    return customer


def credit(customer: Customer, **given: Any) -> stripe.CreditNote:
    params: Any = {"invoice": customer.latest_invoice().id, **given}
    return customer.v1.credit_notes.create(params)


def test_before_the_payment_less_is_asked_for(owing: Customer, shop: Shop) -> None:
    note = credit(owing, amount=300, reason="order_change", memo="Sorry")
    assert (note.type, note.pre_payment_amount, note.status) == ("pre_payment", 300, "issued")
    invoice = owing.latest_invoice()
    assert (invoice.total, invoice.amount_due, invoice.pre_payment_credit_notes_amount) == (1000, 700, 300)
    assert shop.v1.payment_intents.retrieve(owing.latest_invoice_payment()).amount == 700
    assert owing.events() == ["credit_note.created", "invoice.updated"]
    assert shop.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert owing.latest_invoice().amount_due == 1000
    assert owing.events() == ["credit_note.voided", "invoice.updated"]


def test_nothing_left_is_paid(owing: Customer) -> None:
    credit(owing, amount=1000)
    assert (owing.latest_invoice().status, owing.latest_invoice().amount_paid) == ("paid", 0)
    assert owing.subscription().status == "active"
    assert "invoice.paid" in owing.events()


def test_after_the_payment_the_money_goes_three_ways(paid: Customer, shop: Shop) -> None:
    note = credit(paid, amount=1000, refund_amount=500, credit_amount=300, out_of_band_amount=200)
    assert (note.type, note.post_payment_amount, note.out_of_band_amount) == ("post_payment", 1000, 200)
    (refund,) = note.refunds
    assert shop.v1.refunds.retrieve(str(refund.refund)).amount == 500
    written = shop.v1.customers.balance_transactions.retrieve(paid.id, str(note.customer_balance_transaction))
    assert (written.type, written.amount, written.credit_note) == ("credit_note", -300, note.id)
    assert paid.latest_invoice().post_payment_credit_notes_amount == 1000
    paid.travel_to(date(2026, 2, 1, 2))
    assert paid.latest_invoice().amount_paid == 700
    with pytest.raises(stripe.InvalidRequestError, match="can't void"):
        shop.v1.credit_notes.void_credit_note(note.id)


def test_a_credit_to_the_balance_can_be_taken_back(paid: Customer, shop: Shop) -> None:
    note = credit(paid, amount=400, credit_amount=400)
    assert shop.v1.customers.retrieve(paid.id).balance == -400
    shop.v1.credit_notes.void_credit_note(note.id)
    assert shop.v1.customers.retrieve(paid.id).balance == 0
    assert paid.latest_invoice().post_payment_credit_notes_amount == 0


def test_by_line_with_its_discount(shop: Shop) -> None:
    customer = shop.customer()
    half = shop.v1.coupons.create({"percent_off": 50}).id
    customer.subscribe(shop.basic, items=[{"price": shop.basic, "quantity": 4}], discounts=[{"coupon": half}])
    line = customer.latest_invoice().lines.data[0].id
    lines: Any = [
        {"type": "invoice_line_item", "invoice_line_item": line, "quantity": 1},
        {"type": "custom_line_item", "description": "For the trouble", "unit_amount": 100},
    ]
    invoice = customer.latest_invoice().id
    preview = shop.v1.credit_notes.preview({"invoice": invoice, "lines": lines, "credit_amount": 600})
    assert (preview.subtotal, preview.discount_amount, preview.total) == (1100, 500, 600)
    assert shop.v1.credit_notes.list({"invoice": invoice}).data == []
    note = credit(customer, lines=lines, credit_amount=600)
    assert [one.amount for one in shop.v1.credit_notes.line_items.list(note.id).data] == [1000, 100]
    assert [one.id for one in shop.v1.credit_notes.list({"customer": customer.id}).data] == [note.id]
    assert shop.v1.credit_notes.update(note.id, {"memo": "Again"}).memo == "Again"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"amount": 1001, "credit_amount": 1001},
        {"amount": 500},
        {"amount": 500, "credit_amount": 499},
        {"lines": [{"type": "invoice_line_item", "invoice_line_item": "il_none", "quantity": 1}]},
    ],
)
def test_a_credit_that_makes_no_sense(paid: Customer, given: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        credit(paid, **given)
