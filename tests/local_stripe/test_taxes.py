"""Stripe Tax: by where the customer is, on top of the price or in it (https://docs.stripe.com/tax)."""

from typing import Any

import pytest
from stripe import InvalidRequestError

from tests.local_stripe.shop import Customer, Shop, date, item

TAXED: Any = {"automatic_tax": {"enabled": True}}


@pytest.fixture
def taxing(shop: Shop) -> Shop:
    """Registered in Germany."""
    shop.retry_settings(tax_rates={"DE": 19})
    return shop


def living_in(shop: Shop, country: str | None, **more: str) -> Customer:
    jo = shop.customer()
    if country:
        shop.v1.customers.update(jo.id, {"address": {"country": country, **more}})  # type: ignore[typeddict-item]
    return jo


def price(shop: Shop, behavior: str) -> str:
    given: Any = {"product_data": {"name": "Plan"}, "unit_amount": 1190, "currency": "eur", "tax_behavior": behavior}
    return shop.v1.prices.create({**given, "recurring": {"interval": "month"}}).id


@pytest.mark.parametrize(
    ("behavior", "total", "tax", "net"), [("exclusive", 1416, 226, 1190), ("inclusive", 1190, 190, 1000)]
)
def test_tax_is_on_top_of_a_price_or_in_it(taxing: Shop, behavior: str, total: int, tax: int, net: int) -> None:
    jo = living_in(taxing, "DE")

    subscription = jo.subscribe(price(taxing, behavior), **TAXED)

    assert subscription.automatic_tax.enabled
    invoice: Any = jo.latest_invoice()
    assert (invoice.subtotal, invoice.total, invoice.amount_paid) == (1190, total, total)
    assert (invoice.total_excluding_tax, invoice.automatic_tax.status) == (net, "complete")
    (one,) = invoice.total_taxes
    assert (one.amount, one.tax_behavior, one.taxable_amount, one.taxability_reason) == (
        tax,
        behavior,
        net,
        "standard_rated",
    )
    assert [line.taxes[0].amount for line in invoice.lines.data] == [tax]


def test_a_renewal_and_a_change_are_taxed_too(taxing: Shop) -> None:
    jo = living_in(taxing, "DE")
    subscription = jo.subscribe(taxing.basic, **TAXED)

    jo.travel_to(date(2026, 2, 2))
    assert jo.latest_invoice().amount_paid == 1190
    taxing.v1.subscriptions.update(
        subscription.id,
        {"items": [{"id": item(subscription).id, "price": taxing.pro}], "proration_behavior": "always_invoice"},
    )

    invoice: Any = jo.latest_invoice()
    assert invoice.amount_paid == invoice.subtotal + invoice.total_taxes[0].amount
    assert invoice.total_taxes[0].amount == round(invoice.subtotal * 0.19)


def test_where_nothing_is_collected_the_tax_is_zero(taxing: Shop) -> None:
    jo = living_in(taxing, "FR")
    jo.subscribe(taxing.basic, **TAXED)
    invoice: Any = jo.latest_invoice()
    assert (invoice.amount_paid, invoice.total_taxes[0].taxability_reason) == (1000, "not_collecting")


@pytest.mark.parametrize("country", [None, "US"])
def test_a_customer_whose_place_is_unknown_cannot_be_taxed(taxing: Shop, country: str | None) -> None:
    jo = living_in(taxing, country)

    with pytest.raises(InvalidRequestError) as refused:
        jo.subscribe(taxing.basic, **TAXED)

    assert refused.value.code == "customer_tax_location_invalid"
    new: Any = {"items": [{"price": taxing.basic}]}
    shown: Any = taxing.v1.invoices.create_preview({"customer": jo.id, "subscription_details": new, **TAXED})
    assert (shown.automatic_tax.status, shown.amount_due) == ("requires_location_inputs", 1000)


def test_the_country_of_the_card_will_do(taxing: Shop) -> None:
    jo = taxing.customer("pm_card_de")
    jo.subscribe(taxing.basic, **TAXED)
    assert jo.latest_invoice().amount_paid == 1190


def test_an_address_that_was_lost_ends_the_calculation_at_the_next_invoice(taxing: Shop) -> None:
    jo = living_in(taxing, "DE")
    jo.subscribe(taxing.basic, **TAXED)
    taxing.v1.customers.update(jo.id, {"address": ""})

    jo.travel_to(date(2026, 2, 2))

    invoice: Any = jo.latest_invoice()
    assert (invoice.amount_paid, invoice.automatic_tax.enabled) == (1000, False)
    assert invoice.automatic_tax.disabled_reason == "finalization_requires_location_inputs"
    assert jo.subscription().automatic_tax.disabled_reason == "requires_location_inputs"


def page(shop: Shop, jo: Customer, **more: Any) -> Any:
    return shop.v1.checkout.sessions.create(
        {  # type: ignore[arg-type]
            "mode": "subscription",
            "customer": jo.id,
            "line_items": [{"price": shop.basic, "quantity": 2}],
            "success_url": "https://shop.example.com/",
            **TAXED,
            **more,
        }
    )


def test_a_checkout_asks_where_the_customer_is(taxing: Shop) -> None:
    jo = living_in(taxing, None)
    with pytest.raises(InvalidRequestError, match="requires a valid address on the Customer"):
        page(taxing, jo)
    session = page(taxing, jo, customer_update={"address": "auto"})
    assert (session.automatic_tax.status, session.amount_total) == ("requires_location_inputs", 2000)

    answer = taxing.server.control(f"checkout/sessions/{session.id}/complete", {"address": {"country": "DE"}})

    assert answer.status_code == 200, answer.text
    done: Any = taxing.v1.checkout.sessions.retrieve(session.id)
    assert (done.automatic_tax.status, done.amount_total, done.total_details.amount_tax) == ("complete", 2380, 380)
    assert jo.latest_invoice().amount_paid == 2380
    assert jo.subscription().automatic_tax.enabled
    assert taxing.v1.customers.retrieve(jo.id).address.country == "DE"  # type: ignore[union-attr]


def test_a_preview_shows_the_tax(taxing: Shop) -> None:
    jo = living_in(taxing, "DE")
    subscription = jo.subscribe(taxing.basic, **TAXED)

    shown: Any = taxing.v1.invoices.create_preview({"subscription": subscription.id})

    assert (shown.amount_due, shown.total_taxes[0].amount, shown.automatic_tax.status) == (1190, 190, "complete")
