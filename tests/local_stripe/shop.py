"""A shop that sells two plans through Stripe: what the stories need, in business words."""

from datetime import UTC, datetime
from typing import Any

from stripe import Invoice, StripeClient, Subscription

from tests.local_stripe.patience import until
from tests.local_stripe.running import RunningStripe

DAY = 86400


def date(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


class Shop:
    def __init__(self, server: RunningStripe) -> None:
        self.server = server
        self.stripe = StripeClient("sk_test_shop", base_addresses={"api": server.url})
        self.v1 = self.stripe.v1
        self.basic = self.price("Basic", 1000)
        self.pro = self.price("Pro", 3000)

    def price(self, name: str, amount: int, interval: str = "month") -> str:
        product = self.v1.products.create({"name": name})
        recurring: Any = {"interval": interval}
        given: Any = {"product": product.id, "unit_amount": amount, "currency": "usd", "recurring": recurring}
        return self.v1.prices.create(given).id

    def customer(self, card: str | None = "pm_card_visa", at: int = date(2026, 1, 1)) -> "Customer":
        return Customer(self, card, at)

    def retry_settings(self, **settings: object) -> None:
        assert self.server.control("settings", settings).status_code == 200


class Customer:
    """A customer with a clock of their own."""

    def __init__(self, shop: Shop, card: str | None, at: int) -> None:
        self.shop, self.v1 = shop, shop.v1
        self.clock = self.v1.test_helpers.test_clocks.create({"frozen_time": at}).id
        self.id = self.v1.customers.create({"email": "jo@example.com", "test_clock": self.clock}).id
        self.last_event = self.v1.events.list({"limit": 1}).data[0].id
        if card:
            self.use_card(card)
        self.events()

    def use_card(self, card: str) -> str:
        method = self.v1.payment_methods.attach(card, {"customer": self.id})
        self.v1.customers.update(self.id, {"invoice_settings": {"default_payment_method": method.id}})
        return method.id

    def subscribe(self, price: str, **given: Any) -> Subscription:
        params: Any = {"customer": self.id, "items": [{"price": price}], **given}
        return self.v1.subscriptions.create(params)

    def subscription(self) -> Subscription:
        return self.v1.subscriptions.list({"customer": self.id, "status": "all", "limit": 1}).data[0]

    def latest_invoice(self) -> Invoice:
        return self.v1.invoices.list({"customer": self.id, "limit": 1}).data[0]

    def latest_invoice_payment(self) -> str:
        """The payment intent that paid, or shall pay, the latest invoice."""
        (payment,) = self.v1.invoice_payments.list({"invoice": str(self.latest_invoice().id)}).data
        return str(payment.payment.payment_intent)

    def travel_to(self, moment: int) -> None:
        clocks = self.v1.test_helpers.test_clocks
        clocks.advance(self.clock, {"frozen_time": moment})
        until(lambda: clocks.retrieve(self.clock).status == "ready", "the clock has arrived")

    def events(self) -> list[str]:
        """Types of what happened to this customer since the last time, oldest first."""
        fresh = self.v1.events.list({"limit": 100, "ending_before": self.last_event}).data[::-1]
        self.last_event = fresh[-1].id if fresh else self.last_event
        return [event.type for event in fresh if self._concerns(event.data.object)]

    def _concerns(self, subject: Any) -> bool:
        return getattr(subject, "customer", None) == self.id or getattr(subject, "id", None) == self.id


def item(subscription: Subscription) -> Any:
    """The one item; ``items`` of a StripeObject is a list object."""
    return subscription["items"].data[0]
