"""Stripe, as activities: one look at the present, and what an intent or a deadline does to a subscription.

Every write carries an idempotency key made from its operation, fixed before the first try; one that could be repeated
under another key, or after Stripe has forgotten it (https://docs.stripe.com/api/idempotent_requests), sets what is to
be the case, which is harmless, or looks first.
"""

from typing import TYPE_CHECKING

import stripe
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed
from activities.open_payment import OpenPayment, invoice_that_counts, open_payment
from activities.orders import (
    Canceled,
    CancelOrder,
    Look,
    ResumeOrder,
)
from activities.plans_ahead import drop, planned_change
from activities.sightings import claim_trial, keep_card, keep_invoice_link
from activities.snapshots import facts_from, payment_method_of
from activities.verdicts import operation_of
from activities.voiding import void, void_all
from database.trial_claims import trial_is_repeated
from lifecycle.facts import Facts
from lifecycle.plans import Catalogue

if TYPE_CHECKING:
    from stripe.params import SubscriptionCancelParams, SubscriptionUpdateParams

_OF_THE_SUBSCRIPTION = ["latest_invoice", "default_payment_method"]
_OF_THE_CUSTOMER = "customer.invoice_settings.default_payment_method"


class Payments:
    """Everything that is asked of Stripe on behalf of a workflow."""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine, catalogue: Catalogue) -> None:
        self._stripe = stripe_client
        self._engine = engine
        self._catalogue = catalogue

    @activity.defn(name="payments.fetch")
    async def fetch(self, look: Look) -> Facts | None:
        """The present of a subscription, its latest invoice and its card; None when Stripe has no such subscription."""
        try:
            found = await self._retrieved(look.subscription_id)
        except StripeRefused as refusal:
            if refusal.code == "resource_missing":
                return None
            raise
        method = payment_method_of(found)
        is_anothers = False
        if method is not None:
            await keep_card(self._engine, look.user_id, method)
            is_anothers = found.status == "trialing" and not await claim_trial(self._engine, look.user_id, method)
        is_from_our_page = found.status == "trialing" and operation_of(found.metadata) is not None
        is_repeated = is_from_our_page and await trial_is_repeated(self._engine, look.user_id, found.id)
        invoice = await invoice_that_counts(self._stripe, found)
        payment = OpenPayment()
        if invoice is not None and invoice.status == "open":
            await keep_invoice_link(self._engine, look.user_id, invoice)
            payment = await open_payment(self._stripe, str(invoice.id))
        planned = await planned_change(self._stripe, found, self._catalogue)
        return facts_from(
            found,
            self._catalogue,
            known_price=look.price,
            invoice=invoice,
            payment=payment,
            planned=planned,
            trial_card_is_anothers=is_anothers,
            trial_is_repeated=is_repeated or None,
        )

    @activity.defn(name="payments.cancel")
    async def cancel(self, order: CancelOrder) -> Canceled:
        """End the subscription; ending what has ended is done already.

        The open invoice goes first, then older ones: once they are void no late payment can meet a subscription that
        has ended. So does what was planned, for nobody who leaves is moved to another plan or charged for one.
        """
        if order.open_invoice_id:
            paid = await void(self._stripe, order.operation_id, order.open_invoice_id)
            if paid and order.unless_paid:
                return Canceled(paid_meanwhile=True)
        try:
            if not order.at_period_end:
                await void_all(self._stripe, order.operation_id, order.subscription_id)
            with answers():
                found = await self._stripe.v1.subscriptions.retrieve_async(order.subscription_id)
            await drop(self._stripe, order.operation_id, found)
            with answers():
                await (self._cancel_at_period_end(order) if order.at_period_end else self._cancel_now(order))
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
        return Canceled()

    @activity.defn(name="payments.resume")
    async def resume(self, order: ResumeOrder) -> None:
        """Undo a scheduled cancellation."""
        params: SubscriptionUpdateParams = {"cancel_at": ""} if order.by_date else {"cancel_at_period_end": False}
        with answers(), keyed(f"{order.operation_id}/resume") as key:
            await self._stripe.v1.subscriptions.update_async(order.subscription_id, params, {"idempotency_key": key})

    async def _retrieved(self, subscription_id: str) -> stripe.Subscription:
        """The subscription with all that it shows; a deleted customer has nothing left that could be expanded."""
        try:
            with answers():
                return await self._stripe.v1.subscriptions.retrieve_async(
                    subscription_id, {"expand": [*_OF_THE_SUBSCRIPTION, _OF_THE_CUSTOMER]}
                )
        except StripeRefused as refusal:
            if refusal.code == "resource_missing":
                raise
        with answers():
            return await self._stripe.v1.subscriptions.retrieve_async(subscription_id, {"expand": _OF_THE_SUBSCRIPTION})

    async def _cancel_at_period_end(self, order: CancelOrder) -> None:
        params: SubscriptionUpdateParams = {"cancel_at_period_end": True}
        if order.reason:
            params["cancellation_details"] = {"feedback": order.reason.value}
        with keyed(f"{order.operation_id}/cancel") as key:
            await self._stripe.v1.subscriptions.update_async(order.subscription_id, params, {"idempotency_key": key})

    async def _cancel_now(self, order: CancelOrder) -> None:
        """DELETE takes no idempotency key; a second one finds nothing left to end."""
        params: SubscriptionCancelParams = {"invoice_now": False, "prorate": False}
        if order.reason:
            params["cancellation_details"] = {"feedback": order.reason.value}
        await self._stripe.v1.subscriptions.cancel_async(order.subscription_id, params)
