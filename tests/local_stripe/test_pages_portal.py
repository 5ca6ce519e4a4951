"""A customer in the portal, on a phone."""

from typing import Any

import httpx
import pytest
import stripe
from playwright.sync_api import Page, expect

from tests.local_stripe.browser import fits, type_card
from tests.local_stripe.shop import DAY, Customer, Shop, date, item

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


def configuration(shop: Shop, **features: Any) -> str:
    plans = [{"product": str(shop.v1.prices.retrieve(one).product), "prices": [one]} for one in (shop.basic, shop.pro)]
    update = {"enabled": True, "default_allowed_updates": ["price"], "products": plans}
    wanted: Any = {
        "subscription_update": {**update, "proration_behavior": "always_invoice"},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        "payment_method_update": {"enabled": True},
        "invoice_history": {"enabled": True},
        **features,
    }
    return shop.v1.billing_portal.configurations.create({"features": wanted}).id


def portal(shop: Shop, customer: Customer, features: Any = None, **given: Any) -> str:
    back = f"{shop.server.url}/healthz?back"
    params: Any = {"customer": customer.id, "return_url": back, "configuration": configuration(shop, **features or {})}
    return shop.v1.billing_portal.sessions.create({**params, **given}).url


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def choose(page: Page, plan: str) -> None:
    page.get_by_role("link", name="Change plan").click()
    page.get_by_role("radio", name=plan).check()
    press(page, "Continue")


def plan_of(customer: Customer) -> str:
    return str(item(customer.subscription()).price.id)


def test_half_a_month_of_a_better_plan_is_paid_at_once(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    customer.travel_to(JANUARY + 31 * DAY // 2)
    phone.goto(portal(shop, customer))
    assert fits(phone)
    expect(phone.get_by_text("Renews on 1 February 2026")).to_be_visible()
    choose(phone, "Pro")
    expect(phone.locator("#preview")).to_contain_text("Amount due today$10.00")
    assert fits(phone)
    assert plan_of(customer) == shop.basic
    press(phone, "Pay $10.00 and change plan")

    expect(phone.get_by_role("status")).to_have_text("Your plan has been updated.")
    assert plan_of(customer) == shop.pro
    assert (customer.latest_invoice().amount_paid, customer.latest_invoice().status) == (1000, "paid")
    phone.get_by_role("link", name="1 January 2026").click()
    expect(phone.get_by_role("heading", name="$10.00")).to_be_visible()


def test_a_declined_upgrade_changes_nothing(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    customer.use_card("pm_card_chargeCustomerFail")
    phone.goto(portal(shop, customer))
    choose(phone, "Pro")
    press(phone, "Pay $20.00 and change plan")
    expect(phone.get_by_role("alert")).to_have_text("Your card was declined.")
    assert (plan_of(customer), customer.latest_invoice().total) == (shop.basic, 1000)


def test_the_bank_confirms_an_upgrade(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    customer.use_card("pm_card_threeDSecure2Required")
    phone.goto(portal(shop, customer))
    choose(phone, "Pro")
    press(phone, "Pay $20.00 and change plan")
    assert plan_of(customer) == shop.basic
    press(phone, "Complete authentication")
    expect(phone.get_by_role("status")).to_have_text("Your plan has been updated.")
    assert plan_of(customer) == shop.pro


def test_a_change_that_is_billed_later(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    customer.subscribe(shop.pro)
    plans = [{"product": str(shop.v1.prices.retrieve(shop.basic).product), "prices": [shop.basic]}]
    later = {"enabled": True, "default_allowed_updates": ["price"], "products": plans}
    phone.goto(portal(shop, customer, {"subscription_update": {**later, "proration_behavior": "none"}}))
    choose(phone, "Basic")
    expect(phone.locator("#preview")).to_contain_text("Amount due on 1 February 2026$10.00")
    press(phone, "Change plan")
    assert (plan_of(customer), customer.latest_invoice().total) == (shop.basic, 3000)


def test_canceled_and_taken_back(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    reasons = {"enabled": True, "options": ["too_expensive", "unused"]}
    phone.goto(portal(shop, customer, {"subscription_cancel": {"enabled": True, "cancellation_reason": reasons}}))
    phone.get_by_role("link", name="Cancel subscription").click()
    phone.get_by_role("radio", name="I no longer need it").check()
    press(phone, "Cancel subscription")

    expect(phone.get_by_text("Your subscription ends on 1 February 2026.")).to_be_visible()
    canceled = customer.subscription()
    assert (canceled.cancel_at_period_end, canceled.cancellation_details.feedback) == (True, "unused")
    press(phone, "Don’t cancel")
    expect(phone.get_by_text("Renews on 1 February 2026")).to_be_visible()
    assert customer.subscription().cancel_at_period_end is False


def test_a_shop_that_cancels_at_once(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    phone.goto(portal(shop, customer, {"subscription_cancel": {"enabled": True, "mode": "immediately"}}))
    phone.get_by_role("link", name="Cancel subscription").click()
    press(phone, "Cancel subscription")
    expect(phone.get_by_text("Ended on 1 January 2026")).to_be_visible()
    assert customer.subscription().status == "canceled"


def test_paused_and_resumed(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    phone.goto(portal(shop, customer, {"subscription_pause": {"enabled": True}}))
    phone.get_by_role("link", name="Pause").click()
    press(phone, "Pause subscription")
    expect(phone.get_by_text("Nothing is charged until you go on.")).to_be_visible()
    assert customer.subscription().status == "paused"
    press(phone, "Go on")
    expect(phone.get_by_role("status")).to_have_text("Your subscription goes on.")
    assert customer.subscription().status == "active"


def test_a_new_card_pays_from_now_on(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    old = shop.v1.customers.retrieve(customer.id).invoice_settings.default_payment_method
    customer.subscribe(shop.basic, default_payment_method=old)
    phone.goto(portal(shop, customer))
    phone.get_by_role("link", name="Add a card").click()
    type_card(phone, "4000 0000 0000 0002")
    press(phone, "Save card")
    expect(phone.locator("#number-error")).to_contain_text("declined")
    type_card(phone, "4000 0025 0000 3155")
    press(phone, "Save card")
    press(phone, "Complete authentication")

    expect(phone.get_by_text("with Visa •••• 3155")).to_be_visible()
    new = shop.v1.customers.retrieve(customer.id).invoice_settings.default_payment_method
    assert customer.subscription().default_payment_method == new != old
    customer.travel_to(FEBRUARY + DAY)
    assert customer.latest_invoice().status == "paid"
    press(phone, "Remove")
    assert [one.id for one in shop.v1.customers.payment_methods.list(customer.id).data] == [new]


def test_a_flow_leads_to_one_thing_and_back(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic)
    after = {"type": "redirect", "redirect": {"return_url": f"{shop.server.url}/healthz?after"}}
    about = {"subscription": subscription.id, "items": [{"id": item(subscription).id, "price": shop.pro}]}
    flow = {"type": "subscription_update_confirm", "subscription_update_confirm": about, "after_completion": after}
    phone.goto(portal(shop, customer, flow_data=flow))
    press(phone, "Pay $20.00 and change plan")
    assert phone.url == f"{shop.server.url}/healthz?after"
    assert plan_of(customer) == shop.pro


@pytest.mark.parametrize("path", ["{}/update", "{}/cancel", "{}/pause", "cards/add", "details"])
def test_what_the_shop_does_not_allow(shop: Shop, path: str) -> None:
    customer = shop.customer()
    subscription = customer.subscribe(shop.basic)
    off = {name: {"enabled": False} for name in ("subscription_update", "subscription_cancel", "payment_method_update")}
    url = portal(shop, customer, off)
    assert httpx.get(f"{url}/{path.format(subscription.id)}").status_code == 403
    if path == "{}/cancel":
        assert httpx.post(f"{url}/{path.format(subscription.id)}", data={}).status_code == 403
        assert customer.subscription().cancel_at is None


def test_a_flow_needs_its_feature_and_the_customers_own_subscription(shop: Shop) -> None:
    customer, other = shop.customer(), shop.customer()
    theirs = other.subscribe(shop.basic)
    flow = {"type": "subscription_cancel", "subscription_cancel": {"subscription": theirs.id}}
    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        portal(shop, customer, flow_data=flow)
    with pytest.raises(stripe.InvalidRequestError, match="disabled"):
        portal(shop, other, {"subscription_cancel": {"enabled": False}}, flow_data=flow)
    url = portal(shop, customer)
    assert httpx.post(f"{url}/{theirs.id}/cancel", data={}).status_code == 404


def test_a_cheaper_plan_waits_for_the_end_of_the_period(shop: Shop, phone: Page) -> None:
    customer = shop.customer()
    customer.subscribe(shop.pro)
    plans = [{"product": str(shop.v1.prices.retrieve(shop.basic).product), "prices": [shop.basic]}]
    waits = {"conditions": [{"type": "decreasing_item_amount"}]}
    update = {"enabled": True, "default_allowed_updates": ["price"], "products": plans, "schedule_at_period_end": waits}
    phone.goto(portal(shop, customer, {"subscription_update": update}))
    choose(phone, "Basic")
    press(phone, "Change plan on 1 February 2026")
    expect(phone.get_by_text("Changes to Basic on 1 February 2026")).to_be_visible()
    press(phone, "Keep my plan")
    assert customer.subscription().schedule is None
    choose(phone, "Basic")
    press(phone, "Change plan on 1 February 2026")
    assert plan_of(customer) == shop.pro
    customer.travel_to(FEBRUARY + DAY)
    assert (plan_of(customer), customer.latest_invoice().total) == (shop.basic, 1000)
