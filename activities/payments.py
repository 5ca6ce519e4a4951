"""Stripe, as activities: one look at the present, and the five effects an intent or a deadline can have.

Every write carries an idempotency key made from its operation, fixed before the first try. Stripe may forget keys
after 24 hours (https://docs.stripe.com/api/idempotent_requests), so a write first tried 23 hours ago looks for its
operation in the metadata before it writes again.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import stripe
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.catalogue import Prices
from activities.customers import Customers, UnknownUser
from activities.gateway import Stripe, StripeRefused, answers
from activities.orders import (
    Canceled,
    CancelOrder,
    Changed,
    ChangeOrder,
    Look,
    ResumeOrder,
    Subscribed,
    SubscribeOrder,
)
from activities.sightings import keep_card, keep_invoice_link
from activities.snapshots import facts_from, payment_method_of
from lifecycle.facts import Facts
from lifecycle.plans import Catalogue
from lifecycle.refusals import RefusalCode

if TYPE_CHECKING:
    from stripe.params import SubscriptionCancelParams, SubscriptionCreateParams, SubscriptionUpdateParams

KEYS_MAY_BE_FORGOTTEN_AFTER = timedelta(hours=23)

_WHOLE_SUBSCRIPTION = [
    "latest_invoice",
    "default_payment_method",
    "customer.invoice_settings.default_payment_method",
]


class Payments:
    """Everything that is asked of Stripe on behalf of a workflow."""

    def __init__(
        self, stripe_client: Stripe, engine: AsyncEngine, catalogue: Catalogue, customers: Customers, prices: Prices
    ) -> None:
        self._stripe = stripe_client
        self._engine = engine
        self._catalogue = catalogue
        self._customers = customers
        self._prices = prices

    @activity.defn(name="payments.fetch")
    async def fetch(self, look: Look) -> Facts | None:
        """The present of a subscription, its latest invoice and its card; None when Stripe has no such subscription."""
        try:
            with answers():
                found = await self._stripe.v1.subscriptions.retrieve_async(
                    look.subscription_id, {"expand": _WHOLE_SUBSCRIPTION}
                )
        except StripeRefused as refusal:
            if refusal.code == "resource_missing":
                return None
            raise
        method = payment_method_of(found)
        if method is not None:
            await keep_card(self._engine, look.user_id, method)
        invoice = found.latest_invoice
        action_required = False
        if isinstance(invoice, stripe.Invoice) and invoice.status == "open":
            await keep_invoice_link(self._engine, look.user_id, invoice)
            action_required = await self._needs_action(str(invoice.id))
        return facts_from(found, self._catalogue, known_price=look.price, action_required=action_required)

    @activity.defn(name="payments.subscribe")
    async def subscribe(self, order: SubscribeOrder) -> Subscribed:
        """Make the customer, attach the card and begin the subscription; a decline is a value, not an error."""
        try:
            customer_id = await self._customers.ensure(order.user_id)
        except UnknownUser as error:
            raise StripeRefused("unknown_user") from error
        made_before = await self._made_before(order.operation_id, customer_id)
        if made_before:
            return Subscribed(subscription_id=made_before)
        try:
            if order.payment_method:
                await self._attach(order.operation_id, customer_id, order.payment_method)
            elif order.trial_days == 0 and not await self._has_card(customer_id):
                return Subscribed(refused=RefusalCode.PAYMENT_METHOD_REQUIRED)
            return await self._begin(order, customer_id)
        except stripe.CardError as error:
            return Subscribed(declined=decline_code(error))
        except StripeRefused as refusal:
            if refusal.param == "payment_method" or refusal.code.startswith("payment_method"):
                return Subscribed(refused=RefusalCode.PAYMENT_METHOD_INVALID)
            raise

    @activity.defn(name="payments.change_plan")
    async def change_plan(self, order: ChangeOrder) -> Changed:
        """Swap the price. An upgrade is charged now and stands only when it is paid; a downgrade is credited.

        https://docs.stripe.com/billing/subscriptions/prorations
        """
        with answers():
            found = await self._stripe.v1.subscriptions.retrieve_async(order.subscription_id)
        if found.metadata and found.metadata.to_dict().get("operation_id") == order.operation_id:
            return Changed()
        price_id = await self._prices.id_of(order.terms)
        params: SubscriptionUpdateParams = {
            "items": [{"id": found["items"].data[0].id, "price": price_id}],
            "metadata": {"operation_id": order.operation_id},
            "proration_behavior": "always_invoice" if order.is_upgrade else "create_prorations",
            "payment_behavior": "error_if_incomplete",
        }
        try:
            with answers():
                await self._stripe.v1.subscriptions.update_async(
                    order.subscription_id, params, {"idempotency_key": f"{order.operation_id}/change_plan"}
                )
        except stripe.CardError as error:
            return Changed(declined=decline_code(error))
        return Changed()

    @activity.defn(name="payments.cancel")
    async def cancel(self, order: CancelOrder) -> Canceled:
        """End the subscription; ending what has ended is done already.

        The open invoice goes first: once it is void no late payment can meet a subscription that has ended.
        """
        if order.open_invoice_id:
            paid = await self._void(order.operation_id, order.open_invoice_id)
            if paid and order.unless_paid:
                return Canceled(paid_meanwhile=True)
        try:
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
        with answers():
            await self._stripe.v1.subscriptions.update_async(
                order.subscription_id, params, {"idempotency_key": f"{order.operation_id}/resume"}
            )

    async def _begin(self, order: SubscribeOrder, customer_id: str) -> Subscribed:
        params: SubscriptionCreateParams = {
            "customer": customer_id,
            "items": [{"price": await self._prices.id_of(order.terms)}],
            "metadata": {"user_id": order.user_id, "operation_id": order.operation_id},
            "payment_behavior": "allow_incomplete",
            "payment_settings": {"save_default_payment_method": "on_subscription"},
        }
        if order.trial_days:
            params["trial_period_days"] = order.trial_days
            params["trial_settings"] = {
                "end_behavior": {"missing_payment_method": order.terms.trial_without_card.value}
            }
        with answers():
            made = await self._stripe.v1.subscriptions.create_async(
                params, {"idempotency_key": f"{order.operation_id}/subscribe"}
            )
        if made.status != "incomplete":
            return Subscribed(subscription_id=made.id)
        return Subscribed(subscription_id=made.id, declined=await self._why_incomplete(made))

    async def _why_incomplete(self, made: stripe.Subscription) -> str | None:
        """The decline code of the first payment; None when the customer has to confirm it at the bank."""
        invoice = made.latest_invoice
        invoice_id = invoice if isinstance(invoice, str) else (invoice.id if invoice else None)
        intent = await self._payment_intent_of(invoice_id) if invoice_id else None
        if intent is None or intent.status != "requires_payment_method":
            return None
        error = intent.last_payment_error
        return (error.decline_code or error.code) if error else "card_declined"

    async def _needs_action(self, invoice_id: str) -> bool:
        intent = await self._payment_intent_of(invoice_id)
        return intent is not None and intent.status == "requires_action"

    async def _payment_intent_of(self, invoice_id: str) -> stripe.PaymentIntent | None:
        with answers():
            payments = await self._stripe.v1.invoice_payments.list_async(
                {"invoice": invoice_id, "expand": ["data.payment.payment_intent"], "limit": 1}
            )
        if not payments.data:
            return None
        intent = getattr(payments.data[0].payment, "payment_intent", None)
        return intent if isinstance(intent, stripe.PaymentIntent) else None

    async def _attach(self, operation_id: str, customer_id: str, method: str) -> None:
        with answers():
            attached = await self._stripe.v1.payment_methods.attach_async(
                method, {"customer": customer_id}, {"idempotency_key": f"{operation_id}/attach"}
            )
            await self._stripe.v1.customers.update_async(
                customer_id,
                {"invoice_settings": {"default_payment_method": attached.id}},
                {"idempotency_key": f"{operation_id}/default_payment_method"},
            )

    async def _has_card(self, customer_id: str) -> bool:
        with answers():
            customer = await self._stripe.v1.customers.retrieve_async(customer_id)
        settings = getattr(customer, "invoice_settings", None)
        return bool(settings and settings.default_payment_method)

    async def _made_before(self, operation_id: str, customer_id: str) -> str | None:
        """The subscription of this operation, looked for only when Stripe may have forgotten the key."""
        if datetime.now(UTC) - activity.info().scheduled_time < KEYS_MAY_BE_FORGOTTEN_AFTER:
            return None
        with answers():
            owned = await self._stripe.v1.subscriptions.list_async(
                {"customer": customer_id, "status": "all", "limit": 100}
            )
        for found in owned.data:
            if found.metadata and found.metadata.to_dict().get("operation_id") == operation_id:
                return found.id
        return None

    async def _cancel_at_period_end(self, order: CancelOrder) -> None:
        params: SubscriptionUpdateParams = {"cancel_at_period_end": True}
        if order.reason:
            params["cancellation_details"] = {"feedback": order.reason.value}
        await self._stripe.v1.subscriptions.update_async(
            order.subscription_id, params, {"idempotency_key": f"{order.operation_id}/cancel"}
        )

    async def _cancel_now(self, order: CancelOrder) -> None:
        """DELETE takes no idempotency key; a second one finds nothing left to end."""
        params: SubscriptionCancelParams = {"invoice_now": False, "prorate": False}
        if order.reason:
            params["cancellation_details"] = {"feedback": order.reason.value}
        await self._stripe.v1.subscriptions.cancel_async(order.subscription_id, params)

    async def _void(self, operation_id: str, invoice_id: str) -> bool:
        """Void an open invoice and answer whether it turned out to be paid; a void one stays as it is."""
        with answers():
            invoice = await self._stripe.v1.invoices.retrieve_async(invoice_id)
            if invoice.status == "open":
                invoice = await self._stripe.v1.invoices.void_invoice_async(
                    invoice_id, None, {"idempotency_key": f"{operation_id}/void"}
                )
        return invoice.status == "paid"


def decline_code(error: stripe.CardError) -> str:
    """Why the bank said no, in Stripe's words: https://docs.stripe.com/declines/codes"""
    details = error.error
    return str((details and (getattr(details, "decline_code", None) or details.code)) or "card_declined")
