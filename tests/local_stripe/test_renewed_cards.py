"""A bank renews a saved card, and Stripe tells of it without being asked.

https://docs.stripe.com/payments/cards/overview#automatic-card-updates
"""

from tests.local_stripe.shop import Shop


def test_a_saved_card_gets_its_new_date(shop: Shop) -> None:
    customer = shop.customer()
    card = customer.use_card("pm_card_mastercard")
    customer.events()

    answer = shop.server.control(f"payment_methods/{card}/automatically_update", {"exp_month": 5, "exp_year": 2040})

    assert answer.status_code == 200
    renewed = shop.v1.payment_methods.retrieve(card).card
    assert renewed is not None
    assert (renewed.exp_month, renewed.exp_year) == (5, 2040)
    assert customer.events() == ["payment_method.automatically_updated"]


def test_a_card_that_nobody_saved_is_not_renewed(shop: Shop) -> None:
    loose = shop.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    saved = shop.customer().use_card("pm_card_visa")

    news = {"exp_month": 5, "exp_year": 2040}
    assert shop.server.control(f"payment_methods/{loose.id}/automatically_update", news).status_code == 400
    assert shop.server.control(f"payment_methods/{saved}/automatically_update", {"exp_month": 5}).status_code == 400
