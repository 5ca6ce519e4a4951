"""Coupons and promotion codes: who may redeem them, what they take off, and how long."""

from typing import Any

import pytest
import stripe

from tests.local_stripe.shop import Customer, Shop, date, item

DAY = 86400


def coupon(shop: Shop, **given: Any) -> str:
    return shop.v1.coupons.create(given).id


def code(shop: Shop, off: str, **given: Any) -> stripe.PromotionCode:
    params: Any = {"promotion": {"type": "coupon", "coupon": off}, **given}
    return shop.v1.promotion_codes.create(params)


def charged(customer: Customer) -> list[int]:
    """What each invoice came to, oldest first."""
    return [one.total for one in customer.v1.invoices.list({"customer": customer.id}).data[::-1]]


def test_half_price_once(shop: Shop) -> None:
    half = coupon(shop, percent_off=50, duration="once")
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, discounts=[{"coupon": half}])
    first = customer.latest_invoice()
    assert (first.subtotal, first.total, first.amount_paid) == (1000, 500, 500)
    (taken,) = first.total_discount_amounts or []
    assert taken.amount == 500
    (line,) = first.lines.data
    assert (line.amount, [one.amount for one in line.discount_amounts or []]) == (1000, [500])
    assert customer.subscription().discounts == []
    assert shop.v1.coupons.retrieve(half).times_redeemed == 1
    happened = customer.events()
    assert happened.index("customer.subscription.created") < happened.index("customer.discount.created")
    assert "customer.discount.deleted" in happened
    customer.travel_to(item(subscription).current_period_end + 7200)
    assert charged(customer) == [500, 1000]


def test_three_months_off(shop: Shop) -> None:
    off = coupon(shop, amount_off=300, currency="usd", duration="repeating", duration_in_months=3)
    customer = shop.customer(at=date(2026, 1, 31))
    subscription = customer.subscribe(shop.basic, discounts=[{"coupon": off}], expand=["discounts"])
    (discount,) = subscription.discounts or []
    assert isinstance(discount, stripe.Discount)
    assert (discount.source.coupon, discount.subscription, discount.end) == (off, subscription.id, date(2026, 4, 30))
    customer.events()
    for month in (3, 4, 5):
        customer.travel_to(date(2026, month, 1))
    assert charged(customer) == [700, 700, 700, 1000]
    happened = customer.events()
    ended = happened.index("customer.discount.deleted")
    assert happened[ended + 1] == "customer.subscription.updated"


def test_for_ever_with_a_code_until_it_is_taken_away(shop: Shop) -> None:
    promotion = code(shop, coupon(shop, percent_off=12.5, duration="forever"), code="SPRING")
    customer = shop.customer(at=date(2026, 1, 1))
    subscription = customer.subscribe(shop.basic, discounts=[{"promotion_code": promotion.id}])
    assert shop.v1.promotion_codes.retrieve(promotion.id).times_redeemed == 1
    customer.travel_to(date(2026, 2, 1, 2))
    deleted: Any = shop.v1.subscriptions.delete_discount(subscription.id)
    assert (deleted.deleted, deleted.promotion_code) == (True, promotion.id)
    assert customer.subscription().discounts == []
    customer.travel_to(date(2026, 3, 1, 2))
    assert charged(customer) == [875, 875, 1000]
    with pytest.raises(stripe.InvalidRequestError, match="No active discount"):
        shop.v1.subscriptions.delete_discount(subscription.id)


def test_an_update_replaces_and_clears(shop: Shop) -> None:
    first, second = (coupon(shop, percent_off=10, duration="forever") for _ in range(2))
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic, discounts=[{"coupon": first}])
    (kept,) = subscription.discounts or []
    both: Any = {"discounts": [{"discount": kept}, {"coupon": second}]}
    changed = shop.v1.subscriptions.update(subscription.id, both)
    assert (changed.discounts or [])[0] == kept
    preview = shop.v1.invoices.create_preview({"subscription": subscription.id})
    assert [one.amount for one in preview.total_discount_amounts or []] == [100, 90]
    without = shop.v1.invoices.create_preview({"subscription": subscription.id, "discounts": ""})
    assert without.total == 1000
    assert shop.v1.subscriptions.update(subscription.id, {"discounts": ""}).discounts == []


def test_a_discount_of_one_product(shop: Shop) -> None:
    product = shop.v1.prices.retrieve(shop.pro).product
    off = coupon(shop, percent_off=50, applies_to={"products": [product]}, duration="forever")
    shown = shop.v1.coupons.retrieve(off, {"expand": ["applies_to"]})
    assert shown.applies_to is not None
    assert shown.applies_to.products == [product]
    customer = shop.customer()
    items = [{"price": shop.basic}, {"price": shop.pro}]
    customer.subscribe(shop.basic, items=items, discounts=[{"coupon": off}])
    assert charged(customer) == [1000 + 1500]


def test_a_discount_of_one_item_comes_first(shop: Shop) -> None:
    half, tenth = coupon(shop, percent_off=50, duration="forever"), coupon(shop, percent_off=10, duration="forever")
    customer = shop.customer()
    items = [{"price": shop.basic, "discounts": [{"coupon": half}]}, {"price": shop.pro}]
    customer.subscribe(shop.basic, items=items, discounts=[{"coupon": tenth}])
    assert charged(customer) == [450 + 2700]


def test_what_a_sum_takes_off_is_spread_to_the_cent(shop: Shop) -> None:
    off = coupon(shop, amount_off=1000, currency="usd")
    customer = shop.customer()
    items = [{"price": shop.basic}, {"price": shop.pro}, {"price": shop.price("Third", 2000)}]
    customer.subscribe(shop.basic, items=items, discounts=[{"coupon": off}])
    spread = [line.discount_amounts[0].amount for line in customer.latest_invoice().lines.data if line.discount_amounts]
    assert (sorted(spread), charged(customer)) == ([167, 333, 500], [5000])


def test_an_upgrade_is_prorated_net_of_the_discount(shop: Shop) -> None:
    customer = shop.customer(at=date(2026, 4, 1))
    off = coupon(shop, percent_off=20, duration="forever")
    subscription = customer.subscribe(shop.basic, discounts=[{"coupon": off}])
    customer.travel_to(date(2026, 4, 16))
    items: Any = [{"id": item(subscription).id, "price": shop.pro}]
    shop.v1.subscriptions.update(subscription.id, {"items": items, "proration_behavior": "always_invoice"})
    assert [line.amount for line in customer.latest_invoice().lines.data] == [-400, 1200]
    assert customer.latest_invoice().total == 800


def test_a_trial_does_not_use_a_coupon_up(shop: Shop) -> None:
    half = coupon(shop, percent_off=50)
    customer = shop.customer(at=date(2026, 1, 1))
    customer.subscribe(shop.basic, discounts=[{"coupon": half}], trial_period_days=7)
    customer.travel_to(date(2026, 1, 8, 2))
    assert charged(customer) == [0, 500]


def test_who_may_redeem_a_code(shop: Shop) -> None:
    off = coupon(shop, percent_off=10)
    new_only = code(shop, off, restrictions={"first_time_transaction": True})
    dear_only = code(shop, off, restrictions={"minimum_amount": 2000, "minimum_amount_currency": "usd"})
    another = code(shop, off, customer=shop.customer().id)
    customer = shop.customer()
    customer.subscribe(shop.basic)
    for promotion in (new_only, dear_only, another):
        with pytest.raises(stripe.InvalidRequestError):
            customer.subscribe(shop.price("Other", 1000), discounts=[{"promotion_code": promotion.id}])
    customer.subscribe(shop.pro, discounts=[{"promotion_code": dear_only.id}])


def test_a_coupon_is_used_up_and_a_code_with_it_expires(shop: Shop) -> None:
    few = coupon(shop, percent_off=10, max_redemptions=1)
    shop.customer().subscribe(shop.basic, discounts=[{"coupon": few}])
    assert not shop.v1.coupons.retrieve(few).valid
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.customer().subscribe(shop.basic, discounts=[{"coupon": few}])
    assert refused.value.code == "coupon_expired"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"percent_off": 10, "amount_off": 5, "currency": "usd"},
        {"amount_off": 5},
        {"percent_off": 101},
        {"percent_off": 10, "duration": "repeating"},
    ],
)
def test_a_coupon_that_makes_no_sense(shop: Shop, given: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.coupons.create(given)


def test_a_deleted_coupon_still_reduces_what_it_was_given_to(shop: Shop) -> None:
    off = coupon(shop, id="GONE", percent_off=10, duration="forever", name="Gone")
    promotion = code(shop, off)
    customer = shop.customer(at=date(2026, 1, 1))
    customer.subscribe(shop.basic, discounts=[{"coupon": off}])
    shop.v1.coupons.delete(off)
    assert not shop.v1.promotion_codes.retrieve(promotion.id).active
    customer.travel_to(date(2026, 2, 1, 2))
    assert charged(customer) == [900, 900]
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon: 'GONE'"):
        shop.v1.coupons.retrieve(off)
    shown: Any = shop.v1.subscriptions.retrieve(customer.subscription().id, {"expand": ["discounts.source.coupon"]})
    assert (shown.discounts[0].source.coupon.name, shown.discounts[0].source.coupon.valid) == ("Gone", False)
    assert coupon(shop, id="GONE", percent_off=5) == "GONE"


def test_codes_are_unique_while_active_and_found_by_their_text(shop: Shop) -> None:
    off = coupon(shop, percent_off=10)
    first = code(shop, off, code="Only1", metadata={"a": "b"})
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        code(shop, off, code="ONLY1")
    assert [one.id for one in shop.v1.promotion_codes.list({"code": "only1"}).data] == [first.id]
    assert not shop.v1.promotion_codes.update(first.id, {"active": False}).active
    second = code(shop, off, code="only1")
    listed = shop.v1.promotion_codes.list({"coupon": off, "active": True}).data
    assert [one.id for one in listed] == [second.id]
    assert shop.v1.coupons.update(off, {"name": "Ten"}).name == "Ten"
    assert off in [one.id for one in shop.v1.coupons.list().data]


def session(shop: Shop, **given: Any) -> stripe.checkout.Session:
    params: Any = {"mode": "subscription", "line_items": [{"price": shop.basic}], "success_url": "https://a.example/"}
    return shop.v1.checkout.sessions.create({**params, **given})


def test_checkout_with_a_coupon_that_the_shop_gives(shop: Shop) -> None:
    off = coupon(shop, percent_off=30)
    opened = session(shop, discounts=[{"coupon": off}])
    assert opened.total_details is not None
    assert (opened.amount_subtotal, opened.amount_total, opened.total_details.amount_discount) == (1000, 700, 300)
    done = shop.server.control(f"checkout/sessions/{opened.id}/complete", {}).json()
    invoice = shop.v1.invoices.retrieve(done["invoice"])
    assert (invoice.subtotal, invoice.amount_paid) == (1000, 700)


def test_a_first_purchase_code_holds_for_the_purchase_itself(shop: Shop) -> None:
    promotion = code(shop, coupon(shop, percent_off=30), restrictions={"first_time_transaction": True})
    opened = session(shop, discounts=[{"promotion_code": promotion.id}])
    assert (opened.discounts or [])[0].promotion_code == promotion.id
    assert shop.server.control(f"checkout/sessions/{opened.id}/complete", {}).json()["status"] == "complete"
    assert shop.v1.promotion_codes.retrieve(promotion.id).times_redeemed == 1


def test_codes_and_a_discount_exclude_each_other(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        session(shop, discounts=[{"coupon": coupon(shop, percent_off=30)}], allow_promotion_codes=True)
    assert session(shop, allow_promotion_codes=True).allow_promotion_codes
