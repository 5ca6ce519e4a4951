"""Features that customers are entitled to while they subscribe."""

from itertools import count

import pytest
import stripe

from tests.local_stripe.shop import Shop, date, item

NUMBERS = count()


def feature(shop: Shop) -> stripe.entitlements.Feature:
    number = next(NUMBERS)
    return shop.v1.entitlements.features.create({"lookup_key": f"feature-{number}", "name": f"Feature {number}"})


def plan_with(shop: Shop, *features: stripe.entitlements.Feature) -> tuple[str, str]:
    """A price and its product."""
    price = shop.price("With features", 1000)
    product = str(shop.v1.prices.retrieve(price).product)
    for one in features:
        shop.v1.products.features.create(product, {"entitlement_feature": one.id})
    return price, product


def held(shop: Shop, customer: str) -> set[str]:
    return {one.lookup_key for one in shop.v1.entitlements.active_entitlements.list({"customer": customer}).data}


def test_a_subscription_entitles_until_it_ends(shop: Shop) -> None:
    reports, seats = feature(shop), feature(shop)
    price, _ = plan_with(shop, reports, seats)
    customer = shop.customer(at=date(2026, 1, 1))
    subscription = customer.subscribe(price)
    assert held(shop, customer.id) == {reports.lookup_key, seats.lookup_key}
    assert customer.events()[-1] == "entitlements.active_entitlement_summary.updated"
    customer.travel_to(date(2026, 2, 1, 2))
    assert "entitlements.active_entitlement_summary.updated" not in customer.events()
    shop.v1.subscriptions.cancel(subscription.id)
    assert held(shop, customer.id) == set()
    assert customer.events()[-1] == "entitlements.active_entitlement_summary.updated"


def test_another_plan_entitles_to_other_things(shop: Shop) -> None:
    both, first_only = feature(shop), feature(shop)
    first, _ = plan_with(shop, both, first_only)
    second, _ = plan_with(shop, both)
    customer = shop.customer()
    subscription = customer.subscribe(first)
    shop.v1.subscriptions.update(subscription.id, {"items": [{"id": item(subscription).id, "price": second}]})
    assert held(shop, customer.id) == {both.lookup_key}


def test_a_feature_given_to_a_product_later_reaches_who_subscribes_already(shop: Shop) -> None:
    price, product = plan_with(shop)
    customer = shop.customer()
    customer.subscribe(price)
    late = feature(shop)
    attached = shop.v1.products.features.create(product, {"entitlement_feature": late.id})
    assert held(shop, customer.id) == {late.lookup_key}
    assert shop.v1.products.features.retrieve(product, attached.id).entitlement_feature.id == late.id
    assert [one.id for one in shop.v1.products.features.list(product).data] == [attached.id]
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.products.features.create(product, {"entitlement_feature": late.id})
    assert shop.v1.products.features.delete(product, attached.id).deleted
    assert held(shop, customer.id) == set()


def test_features_are_archived(shop: Shop) -> None:
    old = feature(shop)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.entitlements.features.create({"lookup_key": old.lookup_key, "name": "Again"})
    changed = shop.v1.entitlements.features.update(old.id, {"active": False, "name": "Old"})
    assert (changed.active, changed.name) == (False, "Old")
    listed = shop.v1.entitlements.features.list({"archived": True, "lookup_key": old.lookup_key}).data
    assert [one.id for one in listed] == [old.id]
