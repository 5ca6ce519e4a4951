"""Cards given the old way, by ``source``, as Stripe's own CLI does for its triggers of subscription schedules."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import Shop, item


def test_a_card_given_as_a_source_pays_for_subscriptions(shop: Shop) -> None:
    customer = shop.v1.customers.create({"source": "tok_visa", "expand": ["default_source"]})
    card = customer.default_source
    assert isinstance(card, stripe.Card)
    assert (card.id[:5], card.brand, card.last4, card.customer) == ("card_", "Visa", "4242", customer.id)
    subscription = shop.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.basic}]})
    assert (subscription.status, item(subscription).price.id) == ("active", shop.basic)
    assert [one.id for one in shop.v1.payment_methods.list({"customer": customer.id}).data] == [card.id]
    events = shop.v1.events.list({"types": ["customer.created", "customer.source.created"], "limit": 2}).data
    assert [event.type for event in events] == ["customer.source.created", "customer.created"]
    assert events[0].data.object["id"] == events[1].data.object["default_source"] == card.id


def test_another_source_takes_its_place_and_a_detached_one_is_gone(shop: Shop) -> None:
    customer = shop.v1.customers.create({"source": "tok_visa"})
    changed = shop.v1.customers.update(customer.id, {"source": "tok_mastercard"})
    assert changed.default_source != customer.default_source
    shop.v1.payment_methods.detach(str(changed.default_source))
    assert shop.v1.customers.retrieve(customer.id).default_source is None


def test_an_unknown_token_is_missing(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such token: 'tok_none'") as refused:
        shop.v1.customers.create({"source": "tok_none"})
    assert (refused.value.code, refused.value.param) == ("resource_missing", "source")


def test_a_declined_card_makes_no_customer(shop: Shop) -> None:
    with pytest.raises(stripe.CardError):
        shop.v1.customers.create({"source": "tok_chargeDeclined", "email": "declined@example.com"})
    assert shop.v1.customers.list({"email": "declined@example.com"}).data == []


def test_what_appears_only_when_it_is_asked_for(shop: Shop) -> None:
    made = shop.v1.customers.create({"source": "tok_visa"})
    shop.v1.payment_methods.attach("pm_card_mastercard", {"customer": made.id})
    assert not hasattr(made, "sources")
    shown: Any = shop.v1.customers.retrieve(made.id, {"expand": ["sources", "tax_ids"]})
    assert ([one.id for one in shown.sources.data], shown.tax_ids.data) == ([made.default_source], [])
    price: Any = shop.v1.prices.retrieve(shop.basic, {"expand": ["currency_options"]})
    assert price.currency_options["usd"].unit_amount == 1000
