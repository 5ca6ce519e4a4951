"""The dashboard, clicked on a phone: customers, events, faults, and buttons for what a customer or a bank would do."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.local_stripe.browser import fits
from tests.local_stripe.patience import until
from tests.local_stripe.receiver import Receiver
from tests.local_stripe.running import RunningStripe
from tests.local_stripe.shop import Customer, Shop, date
from tests.local_stripe.test_protocol import call


@pytest.fixture(autouse=True)
def calm_afterwards(shop: Shop) -> Iterator[None]:
    yield
    httpx.delete(f"{shop.server.url}/_local/faults")


def open_page(phone: Page, shop: Shop, path: str = "") -> Page:
    answer = phone.goto(f"{shop.server.url}/dashboard{path}")
    assert answer is not None
    assert answer.status == 200, phone.content()
    return phone


def subscribed(shop: Shop) -> Customer:
    customer = shop.customer()
    customer.subscribe(shop.basic)
    return customer


def press(phone: Page, words: str) -> None:
    phone.get_by_role("button", name=words, exact=True).first.click()


def arrives(phone: Page, shop: Shop, customer: Customer) -> None:
    clocks = shop.v1.test_helpers.test_clocks
    until(lambda: clocks.retrieve(customer.clock).status == "ready", "the clock has arrived")
    open_page(phone, shop, f"/customers/{customer.id}")


def test_a_customer_with_everything_of_theirs(phone: Page, shop: Shop) -> None:
    customer = subscribed(shop)
    phone.goto(shop.server.url)
    expect(phone.get_by_role("heading", name="Customers")).to_be_visible()
    open_page(phone, shop, f"?q={customer.id}")
    phone.get_by_role("link", name="jo@example.com").click()
    for words in ("Basic", "Active", "$10.00", "Visa •••• 4242", "1 January 2026", "customer.subscription.created"):
        expect(phone.get_by_text(words).first).to_be_visible()
    assert fits(phone)


def test_the_next_renewal_fails_and_the_one_after_is_paid(phone: Page, shop: Shop) -> None:
    customer = subscribed(shop)
    open_page(phone, shop, f"/customers/{customer.id}")
    press(phone, "Let the next renewal fail")
    expect(phone.get_by_role("status")).to_contain_text("every charge is declined")
    press(phone, "1 month")
    arrives(phone, shop, customer)
    press(phone, "To the next deadline")
    arrives(phone, shop, customer)
    expect(phone.get_by_text("Past due").first).to_be_visible()
    press(phone, "Let payments succeed again")
    press(phone, "1 week")
    arrives(phone, shop, customer)
    expect(phone.get_by_text("Past due")).to_have_count(0)
    assert customer.subscription().status == "active"
    assert [one.card and one.card.last4 for one in shop.v1.customers.payment_methods.list(customer.id).data] == ["4242"]


def test_a_payment_is_refunded_and_another_disputed_and_won(phone: Page, shop: Shop) -> None:
    customer = subscribed(shop)
    customer.travel_to(date(2026, 2, 2))
    open_page(phone, shop, f"/customers/{customer.id}")
    press(phone, "Refund")
    expect(phone.get_by_text("Refunded", exact=True)).to_be_visible()
    press(phone, "Dispute")
    expect(phone.get_by_text("Dispute: needs response")).to_be_visible()
    press(phone, "Bank: we win")
    expect(phone.get_by_text("Dispute: won")).to_be_visible()
    refunds = [event for event in customer.events() if event.startswith(("charge.refunded", "charge.dispute"))]
    assert "charge.refunded" in refunds


def test_a_button_pressed_twice_acts_once(phone: Page, shop: Shop) -> None:
    customer = subscribed(shop)
    customer.travel_to(date(2026, 2, 2))
    page = httpx.get(f"{shop.server.url}/dashboard/customers/{customer.id}").text
    form = re.search(
        r'action="([^"]+/refund)"><input type="hidden" name="once" value="([^"]+)">\s*.*?value="(ch_\w+)"', page
    )
    assert form is not None
    path, once, charge = form.groups()
    answers = [httpx.post(shop.server.url + path, data={"once": once, "charge": charge}) for _ in range(2)]
    assert [one.headers["location"] for one in answers] == [f"/dashboard/customers/{customer.id}?done=refunded"] * 2


def test_a_customer_is_deleted(phone: Page, shop: Shop) -> None:
    customer = subscribed(shop)
    open_page(phone, shop, f"/customers/{customer.id}")
    phone.get_by_text("Delete…").click()
    press(phone, "Delete customer")
    expect(phone.get_by_role("heading", name="Deleted customer")).to_be_visible()
    expect(phone.get_by_text("customer.deleted")).to_be_visible()
    assert customer.subscription().status == "canceled"


def test_an_event_shows_its_deliveries_and_is_sent_again(phone: Page, shop: Shop, receiver: Receiver) -> None:
    endpoint = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["product.created"]})
    receiver.answers = [500]
    shop.v1.products.create({"name": "Seen"})
    until(lambda: len(receiver.received) == 2, "it came twice")
    open_page(phone, shop, "/events?type=product.")
    phone.get_by_role("link", name="product.created").first.click()
    expect(phone.get_by_text("500", exact=True)).to_be_visible()
    expect(phone.get_by_text("200", exact=True)).to_be_visible()
    press(phone, "Resend")
    until(lambda: len(receiver.received) == 3, "it came again")
    open_page(phone, shop, "/webhooks")
    press(phone, "Disable")
    expect(phone.get_by_text("Disabled").first).to_be_visible()
    assert shop.v1.webhook_endpoints.retrieve(endpoint.id).status == "disabled"
    shop.v1.webhook_endpoints.delete(endpoint.id)


def test_a_fault_is_put_in_force_strikes_and_is_taken_away(phone: Page, shop: Shop) -> None:
    open_page(phone, shop, "/faults")
    phone.locator("#call_fault").select_option("rate_limit")
    phone.get_by_label("Path begins with").fill("/v1/coupons")
    phone.get_by_label("How many calls").fill("")
    press(phone, "Put in force")
    expect(phone.get_by_role("status")).to_contain_text("in force")
    assert call(shop, "GET", "/v1/coupons").status_code == 429
    open_page(phone, shop, "/faults")
    expect(phone.get_by_text("1 ×")).to_be_visible()
    open_page(phone, shop, "/logs?failed=1")
    phone.get_by_role("link", name="GET /v1/coupons").first.click()
    expect(phone.get_by_text("rate_limit").first).to_be_visible()
    open_page(phone, shop, "/faults")
    press(phone, "Remove")
    assert call(shop, "GET", "/v1/coupons").status_code == 200


def test_an_error_leads_to_its_log(phone: Page, shop: Shop) -> None:
    error = call(shop, "POST", "/v1/customers", {"emial": "<b>a</b>"}).json()["error"]
    phone.goto(error["request_log_url"])
    expect(phone.get_by_text("emial = <b>a</b>")).to_be_visible()
    expect(phone.get_by_text("parameter_unknown")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["", "/subscriptions", "/invoices", "/events", "/webhooks", "/time", "/faults", "/logs"]
)
def test_every_page_fits_a_phone(phone: Page, shop: Shop, path: str) -> None:
    subscribed(shop)
    open_page(phone, shop, path)
    expect(phone.locator("nav [aria-current=page]")).to_be_visible()
    assert fits(phone)


def test_long_lists_have_pages(shop: Shop) -> None:
    for number in range(30):
        shop.v1.customers.create({"name": f"Numbered {number}"})
    first = httpx.get(f"{shop.server.url}/dashboard?q=numbered").text
    assert (first.count(">Numbered "), "Older" in first, "Newer" in first) == (25, True, False)
    last = httpx.get(f"{shop.server.url}/dashboard?q=numbered&page=2").text
    assert (last.count(">Numbered "), "Older" in last, "Newer" in last) == (5, False, True)


@pytest.mark.parametrize("path", ["/customers/cus_none", "/events/evt_none", "/logs/req_none", "?page=0", "?page=x"])
def test_an_address_that_leads_nowhere_says_so(shop: Shop, path: str) -> None:
    answer = httpx.get(f"{shop.server.url}/dashboard{path}")
    assert answer.status_code == (200 if path.startswith("?") else 404)


def test_another_site_cannot_press_a_button(shop: Shop) -> None:
    customer = subscribed(shop)
    url = f"{shop.server.url}/dashboard/customers/{customer.id}/delete"
    assert httpx.post(url, data={}, headers={"origin": "https://evil.example"}).status_code == 403
    assert httpx.get(f"{shop.server.url}/dashboard", headers={"host": "evil.example"}).status_code == 400


def test_the_wall_clock_moves_on_a_click(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = RunningStripe(tmp_path_factory.mktemp("lonely"))
    try:
        sent = httpx.post(f"{server.url}/dashboard/time/wall_clock/advance", data={"stride": "week"})
        assert sent.headers["location"] == "/dashboard/time?done=advanced"
        week = 7 * 86400
        until(lambda: server.control("wall_clock").json()["ahead_seconds"] in (week, week + 1), "a week has passed")
    finally:
        server.kill()
