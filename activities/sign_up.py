"""Beginning a subscription in Stripe: the customer, the card, the subscription, each once."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import stripe
from temporalio import activity

from activities.catalogue import Prices
from activities.customers import Customers, UnknownUser
from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed, may_be_done
from activities.open_payment import decline_code, payment_intent_of
from activities.orders import Subscribed, SubscribeOrder
from activities.promotion_codes import is_about_the_code, promotion_code_id
from lifecycle.refusals import RefusalCode

if TYPE_CHECKING:
    from stripe.params import CustomerUpdateParams, SubscriptionCreateParams, SubscriptionCreateParamsItem

KEYS_MAY_BE_FORGOTTEN_AFTER = timedelta(hours=23)
"""Stripe may forget idempotency keys after 24 hours: https://docs.stripe.com/api/idempotent_requests"""
NO_TAX_LOCATION = "customer_tax_location_invalid"
"""Tax is calculated by where the customer is: https://docs.stripe.com/tax/customer-locations"""


class SignUp:
    """Carries out the order to subscribe."""

    def __init__(self, stripe_client: Stripe, customers: Customers, prices: Prices) -> None:
        self._stripe = stripe_client
        self._customers = customers
        self._prices = prices

    @activity.defn(name="payments.subscribe")
    async def subscribe(self, order: SubscribeOrder) -> Subscribed:
        """Make the customer, attach the card and begin the subscription; a decline is a value, not an error."""
        try:
            customer_id = await self._customers.ensure(order.user_id)
        except UnknownUser as error:
            raise StripeRefused("unknown_user") from error
        made_before = await self._made_before(order.operation_id, customer_id)
        if made_before:
            return await self._told(made_before)
        try:
            if order.payment_method:
                await self._attach(order.operation_id, customer_id, order.payment_method)
            elif order.trial_days == 0 and not await self._has_card(customer_id):
                return Subscribed(refused=RefusalCode.PAYMENT_METHOD_REQUIRED)
            return await self._begin(order, customer_id)
        except stripe.CardError as error:
            return Subscribed(declined=decline_code(error))
        except StripeRefused as refusal:
            if order.promotion_code and is_about_the_code(refusal):
                return Subscribed(refused=RefusalCode.PROMOTION_CODE_INVALID)
            if refusal.code == NO_TAX_LOCATION:
                return Subscribed(refused=RefusalCode.TAX_LOCATION_REQUIRED)
            if refusal.param == "payment_method" or refusal.code.startswith("payment_method"):
                return Subscribed(refused=RefusalCode.PAYMENT_METHOD_INVALID)
            raise

    async def _begin(self, order: SubscribeOrder, customer_id: str) -> Subscribed:
        item: SubscriptionCreateParamsItem = {"price": await self._prices.id_of(order.terms)}
        if order.quantity != 1:
            item["quantity"] = order.quantity
        params: SubscriptionCreateParams = {
            "customer": customer_id,
            "items": [item],
            "metadata": {"user_id": order.user_id, "operation_id": order.operation_id},
            "payment_behavior": "allow_incomplete",
            "payment_settings": {"save_default_payment_method": "on_subscription"},
        }
        if order.trial_days:
            params["trial_period_days"] = order.trial_days
            params["trial_settings"] = {
                "end_behavior": {"missing_payment_method": order.terms.trial_without_card.value}
            }
        if order.terms.tax:
            params["automatic_tax"] = {"enabled": True}
        if order.promotion_code:
            code = await promotion_code_id(self._stripe, order.promotion_code)
            params["discounts"] = [{"promotion_code": code}]
        with answers(), keyed(_subscribing(order.operation_id)) as key:
            made = await self._stripe.v1.subscriptions.create_async(params, {"idempotency_key": key})
        return await self._told(made)

    async def _told(self, made: stripe.Subscription) -> Subscribed:
        if made.status != "incomplete":
            return Subscribed(subscription_id=made.id)
        return Subscribed(subscription_id=made.id, declined=await self._why_incomplete(made))

    async def _why_incomplete(self, made: stripe.Subscription) -> str | None:
        """The decline code of the first payment; None when the customer has to confirm it at the bank."""
        invoice = made.latest_invoice
        invoice_id = invoice if isinstance(invoice, str) else (invoice.id if invoice else None)
        intent = await payment_intent_of(self._stripe, invoice_id) if invoice_id else None
        if intent is None or intent.status != "requires_payment_method":
            return None
        error = intent.last_payment_error
        return (error.decline_code or error.code) if error else "card_declined"

    async def _attach(self, operation_id: str, customer_id: str, method: str) -> None:
        attaching = f"{operation_id}/attach"
        if not (may_be_done(attaching) and await self._is_attached(customer_id, method)):
            with answers(), keyed(attaching) as key:
                attached = await self._stripe.v1.payment_methods.attach_async(
                    method, {"customer": customer_id}, {"idempotency_key": key}
                )
            method = attached.id
        default: CustomerUpdateParams = {"invoice_settings": {"default_payment_method": method}}
        with answers(), keyed(f"{operation_id}/default_payment_method") as key:
            await self._stripe.v1.customers.update_async(customer_id, default, {"idempotency_key": key})

    async def _is_attached(self, customer_id: str, method: str) -> bool:
        with answers():
            found = await self._stripe.v1.payment_methods.retrieve_async(method)
        return found.customer == customer_id

    async def _has_card(self, customer_id: str) -> bool:
        with answers():
            customer = await self._stripe.v1.customers.retrieve_async(customer_id)
        settings = getattr(customer, "invoice_settings", None)
        return bool(settings and settings.default_payment_method)

    async def _made_before(self, operation_id: str, customer_id: str) -> stripe.Subscription | None:
        """The subscription of this operation, looked for only when the key does not keep it from being made twice."""
        is_kept = datetime.now(UTC) - activity.info().scheduled_time < KEYS_MAY_BE_FORGOTTEN_AFTER
        if is_kept and not may_be_done(_subscribing(operation_id)):
            return None
        with answers():
            owned = await self._stripe.v1.subscriptions.list_async(
                {"customer": customer_id, "status": "all", "limit": 100}
            )
        for found in owned.data:
            if found.metadata and found.metadata.to_dict().get("operation_id") == operation_id:
                return found
        return None


def _subscribing(operation_id: str) -> str:
    return f"{operation_id}/subscribe"
