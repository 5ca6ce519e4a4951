"""Stripe's own pages, opened for a customer: Checkout, the portal, and what confirms a payment.

These change nothing of a subscription, so no workflow is asked; what the customer does there comes back as events.
A page that nobody has seen does no harm, so where Stripe failed it is opened anew; nothing need be remembered.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import stripe
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.catalogue import Prices
from activities.customers import Customers
from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import harmless
from activities.promotion_codes import promotion_code_id
from database import tables
from lifecycle.plans import Terms

if TYPE_CHECKING:
    from stripe.params.billing_portal import SessionCreateParams as PortalParams
    from stripe.params.checkout import SessionCreateParams


@dataclass(frozen=True)
class CheckoutOpened:
    """A Checkout session and the address where the customer pays."""

    id: str
    url: str


@dataclass(frozen=True)
class RequiredAction:
    """What confirms a payment: open ``url``, or hand ``client_secret`` to Stripe.js. Never stored, never logged."""

    code: str
    url: str | None
    client_secret: str | None


@dataclass(frozen=True)
class PromotionChoice:
    """A promotion code that is applied, or whether the customer may type one on the page."""

    code: str | None = None
    may_be_typed: bool = False


NO_PROMOTION = PromotionChoice()


class NoCustomer(Exception):
    """The user has never been a customer, or is one no longer; there is nothing to show in a portal."""


class Pages:
    """Opens Stripe's pages."""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine, customers: Customers, prices: Prices) -> None:
        self._stripe = stripe_client
        self._engine = engine
        self._customers = customers
        self._prices = prices

    async def open_checkout(
        self,
        user_id: str,
        terms: Terms,
        trial: int | datetime,
        success_url: str,
        cancel_url: str,
        operation_id: str,
        promotion: PromotionChoice = NO_PROMOTION,
        quantity: int = 1,
    ) -> CheckoutOpened:
        """A hosted Checkout page for so many seats of one price; the subscription it makes carries our ``user_id``.

        ``trial`` is in days (0: none), or the end of one that runs already.
        https://docs.stripe.com/api/checkout/sessions/create. Raises `StripeAway`, `StripeRefused`, `UnknownUser`.
        """
        customer_id = await self._customers.ensure(user_id)
        params: SessionCreateParams = {
            "mode": "subscription",
            "customer": customer_id,
            "client_reference_id": user_id,
            "line_items": [{"price": await self._prices.id_of(terms), "quantity": quantity}],
            "success_url": success_url,
            "cancel_url": cancel_url,
            "metadata": {"user_id": user_id, "operation_id": operation_id},
            "subscription_data": {"metadata": {"user_id": user_id, "operation_id": operation_id}},
        }
        if isinstance(trial, datetime):
            params["subscription_data"]["trial_end"] = int(trial.timestamp())
        elif trial:
            params["subscription_data"]["trial_period_days"] = trial
        if trial:
            params["subscription_data"]["trial_settings"] = {
                "end_behavior": {"missing_payment_method": terms.trial_without_card.at_stripe}
            }
        if terms.tax:
            params["automatic_tax"] = {"enabled": True}
            params["customer_update"] = {"address": "auto"}
        if promotion.code:
            params["discounts"] = [{"promotion_code": await promotion_code_id(self._stripe, promotion.code)}]
        elif promotion.may_be_typed:
            params["allow_promotion_codes"] = True
        sessions = self._stripe.v1.checkout.sessions
        with answers():
            session = await harmless(
                f"{operation_id}/checkout", lambda key: sessions.create_async(params, {"idempotency_key": key})
            )
        return CheckoutOpened(session.id, session.url or "")

    async def open_portal(self, user_id: str, return_url: str, operation_id: str, *, is_customer: bool = False) -> str:
        """The address of the customer portal; raises `NoCustomer`, `StripeAway`, `StripeRefused`.

        ``is_customer``: Stripe is told of the user now, if it has not been; a trial without a card has one to give.
        """
        customer_id = await self._customers.id_of(user_id)
        if customer_id is None and is_customer:
            customer_id = await self._customers.ensure(user_id)
        if customer_id is None:
            raise NoCustomer(user_id)
        params: PortalParams = {"customer": customer_id, "return_url": return_url}
        sessions = self._stripe.v1.billing_portal.sessions
        try:
            with answers():
                session = await harmless(
                    f"{operation_id}/portal", lambda key: sessions.create_async(params, {"idempotency_key": key})
                )
        except StripeRefused as refusal:
            if (refusal.code, refusal.param) != ("resource_missing", "customer"):
                raise
            raise NoCustomer(user_id) from None
        return session.url

    async def has_lost_customer(self, user_id: str) -> bool:
        """Whether the user's customer was deleted in Stripe; see `Customers.is_gone`."""
        return await self._customers.is_gone(user_id)

    async def required_action(self, user_id: str) -> RequiredAction | None:
        """What the customer must do now to complete the open payment; None when nothing is open.

        https://docs.stripe.com/billing/subscriptions/overview#requires-action
        """
        mine = select(tables.subscriptions.c.stripe_subscription_id).where(tables.subscriptions.c.user_id == user_id)
        async with self._engine.connect() as connection:
            subscription_id = (await connection.execute(mine)).scalar()
        subscription_id = subscription_id or await self._waiting_for_the_bank(user_id)
        if subscription_id is None:
            return None
        with answers():
            found = await self._stripe.v1.subscriptions.retrieve_async(
                subscription_id, {"expand": ["latest_invoice.confirmation_secret"]}
            )
        invoice = found.latest_invoice
        if not isinstance(invoice, stripe.Invoice) or invoice.status != "open":
            return None
        secret = invoice.confirmation_secret.client_secret if invoice.confirmation_secret else None
        return RequiredAction("authentication_required", invoice.hosted_invoice_url, secret)

    async def _waiting_for_the_bank(self, user_id: str) -> str | None:
        """What was begun from a trial of ours, and becomes the subscription when its payment is confirmed."""
        customer_id = await self._customers.id_of(user_id)
        if customer_id is None:
            return None
        with answers():
            found = await self._stripe.v1.subscriptions.list_async(
                {"customer": customer_id, "status": "incomplete", "limit": 1}
            )
        return found.data[0].id if found.data else None
