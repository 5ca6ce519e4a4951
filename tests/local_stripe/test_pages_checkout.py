"""A customer at the hosted checkout page, on a phone."""

from typing import Any

import httpx
import stripe
from playwright.sync_api import Page, expect

from tests.local_stripe.browser import fits, type_card
from tests.local_stripe.shop import DAY, Customer, Shop, date


def checkout(shop: Shop, **given: Any) -> stripe.checkout.Session:
    back = f"{shop.server.url}/healthz"
    params: Any = {"mode": "subscription", "success_url": f"{back}?done={{CHECKOUT_SESSION_ID}}", **given}
    if params["mode"] != "setup":
        params.setdefault("line_items", [{"price": shop.basic, "quantity": 1}])
    return shop.v1.checkout.sessions.create({"cancel_url": f"{back}?canceled", **params})


def again(shop: Shop, session: stripe.checkout.Session) -> stripe.checkout.Session:
    return shop.v1.checkout.sessions.retrieve(session.id)


def subscriptions(shop: Shop, customer: Customer) -> list[str]:
    found = shop.v1.subscriptions.list({"customer": customer.id, "status": "all"})
    return [one.status for one in found.data]


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()


def test_a_new_customer_starts_a_trial(shop: Shop, phone: Page) -> None:
    session = checkout(shop, subscription_data={"trial_period_days": 14})
    phone.goto(session.url)
    expect(phone.get_by_text("14 days free")).to_be_visible()
    expect(phone.get_by_text("no real money")).to_be_visible()
    assert fits(phone)
    phone.get_by_label("E-mail").fill("new@example.com")
    type_card(phone, "4242 4242 4242 4242")
    press(phone, "Start trial")

    assert phone.url == f"{shop.server.url}/healthz?done={session.id}"
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer", "subscription"]})
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    assert (done.customer.email, done.customer_details.name) == ("new@example.com", "Jo Miller")
    assert done.subscription.status == "trialing"
    phone.goto(f"{shop.server.url}/c/pay/{session.id}")
    expect(phone.get_by_role("heading", name="All done")).to_be_visible()


def test_a_declined_card_then_another(shop: Shop, phone: Page) -> None:
    customer = shop.customer(card=None)
    session = checkout(shop, customer=customer.id)
    customer.events()
    phone.goto(session.url)
    type_card(phone, "4000 0000 0000 9995")
    press(phone, "Subscribe")

    expect(phone.locator("#number-error")).to_contain_text("insufficient funds")
    assert phone.locator("#number").input_value() == ""
    assert "9995" not in phone.content().replace("4000 0000 0000 9995", "")
    assert again(shop, session).status == "open"
    assert subscriptions(shop, customer) == []
    assert customer.events() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]

    type_card(phone, "5555 5555 5555 4444")
    press(phone, "Subscribe")
    phone.wait_for_url("**/healthz?done=*")
    assert subscriptions(shop, customer) == ["active"]
    assert customer.events() == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "payment_method.attached",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "checkout.session.completed",
    ]
    (intent,) = shop.v1.payment_intents.list({"customer": customer.id}).data
    assert (intent.amount_received, intent.setup_future_usage) == (1000, "off_session")


def test_each_wrong_field_says_so(shop: Shop, phone: Page) -> None:
    phone.goto(checkout(shop, customer_email="jo@example.com").url)
    type_card(phone, "4242 4242 4242 4241", expiry="01 / 20", cvc="12", postal_code="9")
    press(phone, "Subscribe")
    said = {
        field: phone.locator(f"#{field}-error").inner_text() for field in ("number", "expiry", "cvc", "postal_code")
    }
    assert said == {
        "number": "Your card number is invalid.",
        "expiry": "Your card's expiration year is in the past.",
        "cvc": "Your card's security code is incomplete.",
        "postal_code": "Your postal code is incomplete.",
    }
    assert phone.get_by_label("Name on card").input_value() == "Jo Miller"
    type_card(phone, "4111 1111 1111 1111")
    press(phone, "Subscribe")
    expect(phone.locator("#number-error")).to_contain_text("used a non test card")
    type_card(phone, "4000 0000 0000 0127")
    press(phone, "Subscribe")
    expect(phone.locator("#cvc-error")).to_have_text("Your card's security code is incorrect.")


def test_the_bank_confirms_or_does_not(shop: Shop, phone: Page) -> None:
    customer = shop.customer(card=None)
    session = checkout(shop, customer=customer.id)
    phone.goto(session.url)
    type_card(phone, "4000 0000 0000 3220")
    press(phone, "Subscribe")
    press(phone, "Fail authentication")
    expect(phone.locator("#number-error")).to_contain_text("unable to authenticate")
    assert (again(shop, session).status, subscriptions(shop, customer)) == ("open", [])

    type_card(phone, "4000 0000 0000 3220")
    press(phone, "Subscribe")
    assert fits(phone)
    press(phone, "Complete authentication")
    assert phone.url == f"{shop.server.url}/healthz?done={session.id}"
    assert subscriptions(shop, customer) == ["active"]


def test_a_card_is_set_up_with_the_bank(shop: Shop, phone: Page) -> None:
    customer = shop.customer(card=None)
    session = checkout(shop, mode="setup", customer=customer.id)
    phone.goto(session.url)
    type_card(phone, "4000 0025 0000 3155")
    press(phone, "Save card")
    press(phone, "Complete authentication")
    assert phone.url.endswith(f"?done={session.id}")
    intent = shop.v1.setup_intents.retrieve(again(shop, session).setup_intent)
    assert (intent.status, intent.customer) == ("succeeded", customer.id)


def test_one_payment_however_often_the_button_is_pressed(shop: Shop, phone: Page) -> None:
    session = checkout(shop, mode="payment", line_items=[{"price": mug(shop), "quantity": 2}])
    phone.goto(session.url)
    phone.get_by_label("E-mail").fill("jo@example.com")
    type_card(phone, "4242424242424242")
    form = {one.get_attribute("name"): one.input_value() for one in phone.locator("form input").all()}
    answers = [httpx.post(session.url, data=form) for _ in range(3)]
    assert {answer.headers["location"] for answer in answers} == {f"{shop.server.url}/healthz?done={session.id}"}
    paid = again(shop, session)
    assert (paid.payment_status, paid.customer, paid.customer_details.email) == ("paid", None, "jo@example.com")
    assert len(shop.v1.charges.list({"payment_intent": paid.payment_intent}).data) == 1


def mug(shop: Shop) -> str:
    product: Any = {"name": "Mug <b>&amp;</b>"}
    return shop.v1.prices.create({"product_data": product, "unit_amount": 1500, "currency": "usd"}).id


def test_the_customer_turns_back(shop: Shop, phone: Page) -> None:
    session = checkout(shop, mode="payment", line_items=[{"price": mug(shop), "quantity": 1}])
    phone.goto(session.url)
    expect(phone.get_by_text("Mug <b>&amp;</b>")).to_be_visible()
    phone.get_by_role("link", name="Back").click()
    assert phone.url == f"{shop.server.url}/healthz?canceled"
    assert again(shop, session).status == "open"


def test_too_late(shop: Shop, phone: Page) -> None:
    customer = shop.customer(card=None)
    session = checkout(shop, customer=customer.id)
    phone.goto(session.url)
    type_card(phone, "4242424242424242")
    customer.travel_to(date(2026, 1, 1) + DAY)
    press(phone, "Subscribe")
    expect(phone.get_by_role("heading", name="This checkout session has expired")).to_be_visible()
    assert subscriptions(shop, customer) == []
    phone.get_by_role("link", name="Back to the shop").click()
    assert phone.url == f"{shop.server.url}/healthz?canceled"


def test_pages_are_answered_to_this_machine_only(shop: Shop) -> None:
    session = checkout(shop)
    assert httpx.get(session.url, headers={"Host": "evil.example"}).status_code == 400
    for origin in ("https://evil.example", "null"):
        assert httpx.post(session.url, headers={"Origin": origin}).status_code == 403
    rights = httpx.get(session.url).headers["content-security-policy"]
    assert "default-src 'none'" in rights
    assert httpx.get(f"{shop.server.url}/c/pay/cs_test_nobody").status_code == 404


def test_a_promotion_code_is_typed_and_used(shop: Shop, phone: Page) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 25, "duration": "repeating", "duration_in_months": 3}).id
    code = f"SPRING{shop.server.port}"
    shop.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon}, "code": code})
    customer = shop.customer(card=None)
    session = checkout(shop, customer=customer.id, allow_promotion_codes=True)
    phone.goto(session.url)
    phone.get_by_label("Promotion code").fill("NOSUCHCODE")
    press(phone, "Apply")
    expect(phone.locator("#code-error")).to_have_text("This code is invalid.")
    phone.get_by_label("Promotion code").fill(code.lower())
    press(phone, "Apply")
    expect(phone.get_by_text("25% off, for 3 months")).to_be_visible()
    expect(phone.locator(".total")).to_contain_text("$7.50")
    press(phone, "Remove")
    expect(phone.locator(".total")).to_contain_text("$10.00")
    phone.get_by_label("Promotion code").fill(code)
    press(phone, "Apply")
    assert fits(phone)
    type_card(phone, "4242424242424242")
    press(phone, "Subscribe")
    phone.wait_for_url("**/healthz?done=*")
    assert (customer.latest_invoice().total, customer.latest_invoice().amount_paid) == (750, 750)
    assert again(shop, session).amount_total == 750
