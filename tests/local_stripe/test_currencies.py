"""Amounts in currencies with no decimals, with two and with three (https://docs.stripe.com/currencies)."""

import pytest

from local.stripe.billing.lines import money
from local.stripe.pages import words

from .shop import Shop


@pytest.mark.parametrize(
    ("amount", "currency", "on_invoice", "on_page"),
    [
        (2800, "eur", "€28.00", "€28.00"),
        (1500, "jpy", "1500 JPY", "1,500 JPY"),
        (12000, "krw", "12000 KRW", "12,000 KRW"),
        (655, "xof", "655 XOF", "655 XOF"),
        (12500, "bhd", "12.500 BHD", "12.500 BHD"),
        (2000, "chf", "20.00 CHF", "20.00 CHF"),
    ],
)
def test_an_amount_reads_as_its_currency_counts(amount: int, currency: str, on_invoice: str, on_page: str) -> None:
    assert (money(amount, currency), words.money(amount, currency)) == (on_invoice, on_page)


def test_a_subscription_in_yen_is_charged_whole_yen(shop: Shop) -> None:
    price = shop.v1.prices.create(
        {"product_data": {"name": "Basic"}, "unit_amount": 1500, "currency": "JPY", "recurring": {"interval": "month"}}
    )
    customer = shop.customer()

    made = shop.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id, "quantity": 2}], "expand": ["latest_invoice"]}
    )

    invoice = made.latest_invoice
    assert (invoice.currency, invoice.amount_paid) == ("jpy", 3000)  # type: ignore[union-attr]
    assert invoice.lines.data[0].description == "2 × Basic (at 1500 JPY / month)"  # type: ignore[union-attr]
    assert shop.v1.customers.retrieve(customer.id).currency == "jpy"
