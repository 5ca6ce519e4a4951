"""Items of a subscription, one at a time; lists of subscriptions."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import DAY, Customer, Shop, date, item


def halfway(shop: Shop) -> Customer:
    customer = shop.customer(at=date(2026, 4, 1))
    customer.subscribe(shop.basic)
    customer.travel_to(date(2026, 4, 16))
    return customer


def test_an_item_is_added_changed_and_removed(shop: Shop) -> None:
    customer, items = halfway(shop), shop.v1.subscription_items
    extra = shop.price("Seats", 200)
    added = items.create({"subscription": customer.subscription().id, "price": extra, "quantity": 3})
    assert (added.price.id, added.quantity, added.current_period_end) == (extra, 3, date(2026, 5, 1))
    assert items.update(added.id, {"quantity": 5, "proration_behavior": "none"}).quantity == 5
    assert items.update(added.id, {"metadata": {"desk": "12"}}).metadata["desk"] == "12"
    assert [one.id for one in items.list({"subscription": customer.subscription().id}).data][-1] == added.id
    assert items.delete(added.id, {"proration_behavior": "none"}).deleted is True
    with pytest.raises(stripe.InvalidRequestError, match="at least one active item"):
        items.delete(item(customer.subscription()).id)
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription_item"):
        items.retrieve(added.id)


def test_an_item_is_upgraded_when_it_is_paid(shop: Shop) -> None:
    customer = halfway(shop)
    customer.use_card("pm_card_chargeCustomerFail")
    wanted: Any = {"price": shop.pro, "payment_behavior": "pending_if_incomplete"}
    unchanged = shop.v1.subscription_items.update(
        item(customer.subscription()).id, {**wanted, "proration_behavior": "always_invoice"}
    )
    assert unchanged.price.id == shop.basic
    customer.use_card("pm_card_visa")
    shop.v1.invoices.pay(customer.latest_invoice().id)
    assert item(customer.subscription()).price.id == shop.pro


def test_who_is_sent_invoices_is_past_due_after_the_due_date(shop: Shop) -> None:
    customer = shop.customer(card=None, at=date(2026, 4, 1))
    customer.events()
    subscription = customer.subscribe(shop.basic, collection_method="send_invoice", days_until_due=10)
    assert (subscription.status, subscription.days_until_due) == ("active", 10)
    assert customer.events() == ["customer.subscription.created", "invoice.created"]
    customer.travel_to(date(2026, 4, 1, 2))
    sent = customer.latest_invoice()
    assert (sent.status, sent.due_date, sent.attempt_count) == ("open", date(2026, 4, 11), 0)
    assert customer.events()[-1] == "invoice.sent"
    customer.travel_to(date(2026, 4, 11) + DAY)
    assert customer.subscription().status == "past_due"
    shop.v1.invoices.pay(sent.id, {"paid_out_of_band": True})
    assert customer.subscription().status == "active"


def test_how_a_subscription_is_collected_changes(shop: Shop) -> None:
    customer = halfway(shop)
    subscription = customer.subscription()
    with pytest.raises(stripe.InvalidRequestError, match="days_until_due"):
        shop.v1.subscriptions.update(subscription.id, {"collection_method": "send_invoice"})
    by_mail: Any = {"collection_method": "send_invoice", "days_until_due": 14}
    assert shop.v1.subscriptions.update(subscription.id, by_mail).days_until_due == 14
    with pytest.raises(stripe.InvalidRequestError, match="charge_automatically"):
        shop.v1.subscriptions.update(subscription.id, {"payment_behavior": "pending_if_incomplete", "items": []})
    back = shop.v1.subscriptions.update(subscription.id, {"collection_method": "charge_automatically"})
    assert (back.collection_method, back.days_until_due) == ("charge_automatically", None)


def test_subscriptions_are_found_by_what_they_are(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    first = customer.subscribe(shop.basic)
    second = customer.subscribe(shop.pro)
    shop.v1.subscriptions.cancel(first.id)

    def found(**filters: Any) -> list[str]:
        return [one.id for one in shop.v1.subscriptions.list({"customer": customer.id, **filters}).data]

    assert found() == [second.id]
    assert found(status="all") == [second.id, first.id]
    assert found(status="canceled") == found(status="ended") == [first.id]
    assert found(status="all", price=shop.basic) == [first.id]
    assert found(current_period_end={"gte": date(2026, 5, 1)}) == [second.id]
    assert found(current_period_end={"gt": date(2026, 5, 1)}) == []
    assert found(created={"lt": date(2026, 4, 1)}) == []
    assert found(collection_method="send_invoice") == []
    pages = shop.v1.subscriptions.list({"test_clock": customer.clock, "status": "all", "limit": 1})
    assert (pages.has_more, [one.id for one in pages.auto_paging_iter()]) == (True, [second.id, first.id])


def test_subscriptions_are_searched(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    subscription = customer.subscribe(shop.basic, metadata={"team": customer.id})
    by_team = shop.v1.subscriptions.search({"query": f"status:'active' AND metadata['team']:'{customer.id}'"})
    assert [one.id for one in by_team.data] == [subscription.id]
