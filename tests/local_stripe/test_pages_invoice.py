"""A customer at the hosted page of an invoice, on a phone."""

from typing import Any

import httpx
import stripe
from playwright.sync_api import Page, expect

from tests.local_stripe.browser import fits, type_card
from tests.local_stripe.shop import Customer, Shop


def unpaid(shop: Shop, customer: Customer) -> stripe.Invoice:
    subscription = customer.subscribe(shop.basic, payment_behavior="default_incomplete")
    return shop.v1.invoices.retrieve(str(subscription.latest_invoice))


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def test_a_declined_card_then_another(shop: Shop, phone: Page) -> None:
    customer = shop.customer(card="pm_card_chargeCustomerFail")
    invoice = unpaid(shop, customer)
    phone.goto(str(invoice.hosted_invoice_url))
    assert fits(phone)
    press(phone, "Pay $10.00")
    expect(phone.get_by_role("alert")).to_contain_text("Your card was declined.")
    assert shop.v1.invoices.retrieve(invoice.id).status == "open"

    phone.get_by_text("Pay with another card").click()
    type_card(phone, "4242424242424242", cvc="1")
    press(phone, "Pay $10.00 with this card")
    expect(phone.locator("#cvc-error")).to_be_visible()
    type_card(phone, "4242424242424242")
    press(phone, "Pay $10.00 with this card")
    expect(phone.get_by_text("Paid on")).to_be_visible()
    assert customer.subscription().status == "active"
    phone.get_by_role("link", name="Receipt").click()
    expect(phone.get_by_text("Visa •••• 4242")).to_be_visible()


def test_the_bank_confirms_at_the_second_try(shop: Shop, phone: Page) -> None:
    customer = shop.customer(card="pm_card_authenticationRequired")
    invoice = unpaid(shop, customer)
    phone.goto(str(invoice.hosted_invoice_url))
    press(phone, "Pay $10.00")
    press(phone, "Fail authentication")
    expect(phone.get_by_text("failed authentication")).to_be_visible()
    press(phone, "Pay $10.00")
    press(phone, "Complete authentication")
    expect(phone.get_by_text("Paid on")).to_be_visible()
    assert customer.subscription().status == "active"


def test_one_payment_however_often_the_button_is_pressed(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    invoice = unpaid(shop, customer)
    url = str(invoice.hosted_invoice_url)
    phone.goto(url)
    form: Any = {
        one.get_attribute("name"): one.input_value() for one in phone.locator("form:first-of-type input").all()
    }
    for once in (form["once"], form["once"], "another"):
        assert httpx.post(url, data={**form, "once": once}).headers["location"] in url
    assert len(shop.v1.charges.list({"customer": customer.id}).data) == 1


def test_an_invoice_with_nothing_to_pay(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    invoice = unpaid(shop, customer)
    shop.v1.invoices.void_invoice(invoice.id)
    phone.goto(str(invoice.hosted_invoice_url))
    expect(phone.get_by_text("There is nothing to pay.")).to_be_visible()
    expect(phone.get_by_role("button")).to_have_count(0)
    answer = phone.goto(str(invoice.invoice_pdf))
    assert answer
    assert answer.status == 501
    expect(phone.get_by_text("not emulated")).to_be_visible()
