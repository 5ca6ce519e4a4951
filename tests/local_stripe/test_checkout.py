"""Checkout sessions without the page: as a shop's server, Stripe's own CLI and the control API see them."""

from typing import Any

import httpx
import pytest
import stripe

from tests.local_stripe.shop import DAY, Customer, Shop, date


def opened(shop: Shop, **given: Any) -> stripe.checkout.Session:
    params: Any = {"mode": "subscription", "success_url": "https://shop.example/done", **given}
    if params["mode"] != "setup":
        params.setdefault("line_items", [{"price": shop.basic, "quantity": 1}])
    return shop.v1.checkout.sessions.create(params)


def press(shop: Shop, session: stripe.checkout.Session, card: str = "pm_card_visa") -> int:
    return shop.server.control(f"checkout/sessions/{session.id}/complete", {"payment_method": card}).status_code


def again(shop: Shop, session: stripe.checkout.Session) -> stripe.checkout.Session:
    return shop.v1.checkout.sessions.retrieve(session.id)


def private(shop: Shop, path: str, **given: Any) -> httpx.Response:
    return httpx.post(f"{shop.server.url}/v1/payment_pages/{path}", data=given, auth=("sk_test_cli", ""))


def test_the_calls_of_stripes_own_cli(shop: Shop) -> None:
    data: Any = {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "Shirt"}}
    session = opened(shop, mode="payment", line_items=[{"price_data": data, "quantity": 2}])
    assert (session.mode, session.amount_total, session.payment_intent, session.customer) == (
        "payment",
        3000,
        None,
        None,
    )
    method = shop.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    assert private(shop, f"{session.id}/init").json()["id"] == session.id
    assert private(shop, f"{session.id}/confirm", payment_method=method.id, expected_amount=1).status_code == 400
    assert private(shop, f"{session.id}/confirm", payment_method=method.id, expected_amount=3000).status_code == 200
    assert (again(shop, session).status, again(shop, session).payment_status) == ("complete", "paid")
    assert private(shop, f"{session.id}/confirm", payment_method=method.id).status_code == 400


def test_a_new_customer_who_is_declined_is_the_same_customer_at_the_next_try(shop: Shop) -> None:
    session = opened(shop, customer_email="twice@example.com")
    assert press(shop, session, "pm_card_chargeDeclined") == 402
    assert (again(shop, session).customer, again(shop, session).subscription) == (None, None)
    assert press(shop, session) == 200
    (customer,) = shop.v1.customers.list({"email": "twice@example.com"}).data
    assert again(shop, session).customer == customer.id
    (intent,) = shop.v1.payment_intents.list({"customer": customer.id}).data
    (payment,) = shop.v1.invoice_payments.list({"invoice": str(again(shop, session).invoice)}).data
    assert payment.payment.payment_intent == intent.id


def test_a_trial_sets_the_card_up_with_the_bank(shop: Shop) -> None:
    customer = shop.customer(card=None)
    session = opened(shop, customer=customer.id, subscription_data={"trial_period_days": 7})
    customer.events()
    assert press(shop, session, "pm_card_authenticationRequiredOnSetup") == 200
    assert customer.events()[:4] == [
        "setup_intent.created",
        "setup_intent.requires_action",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]
    customer.travel_to(date(2026, 1, 10))
    assert customer.subscription().status == "active"


def test_the_customers_credit_pays_its_part(shop: Shop) -> None:
    customer = shop.customer(card=None)
    shop.v1.customers.balance_transactions.create(customer.id, {"amount": -400, "currency": "usd"})
    session = opened(shop, customer=customer.id)
    assert press(shop, session) == 200
    assert customer.latest_invoice().amount_paid == 600
    assert shop.v1.charges.list({"customer": customer.id}).data[0].amount == 600


@pytest.mark.parametrize("mode", ["setup", "payment"])
def test_what_a_session_began_ends_with_it(shop: Shop, mode: str) -> None:
    customer = shop.customer(card=None)
    price = shop.v1.prices.create({"product_data": {"name": "Mug"}, "unit_amount": 500, "currency": "usd"}).id
    given = {"line_items": [{"price": price, "quantity": 1}]} if mode == "payment" else {}
    session = opened(shop, mode=mode, customer=customer.id, **given)
    assert press(shop, session, "pm_card_chargeDeclined") == 402
    customer.events()
    customer.travel_to(date(2026, 1, 1) + DAY)
    assert customer.events() == [f"{mode}_intent.canceled", "checkout.session.expired"]
    assert press(shop, session) == 400


def test_a_price_that_was_archived_meanwhile_is_still_sold(shop: Shop) -> None:
    price = shop.price("Old", 700)
    customer = shop.customer(card=None)
    session = opened(shop, customer=customer.id, line_items=[{"price": price, "quantity": 1}])
    shop.v1.prices.update(price, {"active": False})
    assert press(shop, session) == 200
    assert customer.latest_invoice().amount_paid == 700


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"mode": "payment"}, "recurring price"),
        ({"mode": "setup", "line_items": [{"price": "p", "quantity": 1}]}, "line_items"),
        ({"setup_intent_data": {"description": "x"}}, "setup_intent_data"),
        ({"success_url": "done"}, "Not a valid URL"),
        ({"customer_creation": "always"}, "customer_creation"),
        ({"expires_at": 1}, "expires_at"),
        ({"ui_mode": "embedded_page"}, "not emulated"),
    ],
)
def test_what_a_session_refuses(shop: Shop, given: dict[str, Any], why: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=why):
        opened(shop, **given)


def test_the_session_of_a_customer(shop: Shop) -> None:
    customer: Customer = shop.customer(card=None)
    session = opened(shop, customer=customer.id, metadata={"order": "1"})
    changed = shop.v1.checkout.sessions.update(session.id, {"metadata": {"order": "2"}})
    assert changed.metadata["order"] == "2"
    assert [one.id for one in shop.v1.checkout.sessions.list({"customer": customer.id}).data] == [session.id]


def test_a_card_from_abroad(shop: Shop) -> None:
    german, french = (shop.v1.payment_methods.retrieve(f"pm_card_{country}").card for country in ("de", "fr"))
    assert (german.country, french.country) == ("DE", "FR")
    assert german.fingerprint != french.fingerprint
    assert german.fingerprint == shop.v1.payment_methods.retrieve("pm_card_de").card.fingerprint


def test_money_that_is_available_at_once(shop: Shop) -> None:
    paying: Any = {"amount": 500, "currency": "usd", "payment_method": "pm_card_bypassPending", "confirm": True}
    expand: Any = {"expand": ["latest_charge.balance_transaction"]}
    charge: Any = shop.v1.payment_intents.create({**paying, **expand}).latest_charge
    assert (charge.status, charge.balance_transaction.status) == ("succeeded", "available")


def test_stripes_own_cli_names_a_coupon_the_former_way(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 10, "duration": "once"}).id
    url, key = f"{shop.server.url}/v1/promotion_codes", ("sk_test_cli", "")
    made = httpx.post(url, data={"coupon": coupon}, auth=key)
    assert made.json()["promotion"] == {"coupon": coupon, "type": "coupon"}
    version = {"Stripe-Version": "2026-10-28.endive"}
    assert httpx.post(url, data={"coupon": coupon}, auth=key, headers=version).status_code == 400


def test_stripes_own_cli_counts_phases_in_iterations(shop: Shop) -> None:
    customer = shop.customer()
    url, key = f"{shop.server.url}/v1/subscription_schedules", ("sk_test_cli", "")
    start = date(2026, 1, 1)
    asked = {"customer": customer.id, "start_date": start, "phases[0][items][0][price]": shop.basic}
    made = httpx.post(url, data={**asked, "phases[0][iterations]": 1}, auth=key).json()
    assert [(one["start_date"], one["end_date"]) for one in made["phases"]] == [(start, date(2026, 2, 1))]
    assert httpx.post(url, data={**asked, "phases[0][iterations]": 2}, auth=key).status_code == 400
