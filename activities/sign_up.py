"""Beginning a subscription in Stripe: the customer, the card, the subscription, each once."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import stripe
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.attaching import attach, card_on_file, detach, make_default
from activities.catalogue import Prices
from activities.customers import Customers, UnknownUser
from activities.ending import end
from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed, may_be_done
from activities.open_payment import decline_code, payment_intent_of
from activities.orders import LeaveOrder, Subscribed, SubscribeOrder
from activities.plans_ahead import id_of
from activities.promotion_codes import is_about_the_code, promotion_code_id
from activities.sightings import fingerprint_of
from activities.voiding import void
from database.trial_claims import card_is_anothers
from lifecycle.refusals import RefusalCode

if TYPE_CHECKING:
    from stripe.params import SubscriptionCreateParams, SubscriptionCreateParamsItem

KEYS_MAY_BE_FORGOTTEN_AFTER = timedelta(hours=23)
"""Stripe may forget idempotency keys after 24 hours: https://docs.stripe.com/api/idempotent_requests"""
_PAID = {"active", "trialing", "past_due"}
NO_TAX_LOCATION = "customer_tax_location_invalid"
"""Tax is calculated by where the customer is: https://docs.stripe.com/tax/customer-locations"""


class SignUp:
    """Carries out the order to subscribe."""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine, customers: Customers, prices: Prices) -> None:
        self._stripe = stripe_client
        self._engine = engine
        self._customers = customers
        self._prices = prices

    @activity.defn(name="payments.subscribe")
    async def subscribe(self, order: SubscribeOrder) -> Subscribed:
        """Make the customer, attach the card and begin the subscription; a decline is a value, not an error."""
        if order.only_with_card and await self._customers.id_of(order.user_id) is None:
            return Subscribed(without_card=True)
        try:
            customer_id = await self._customers.ensure(order.user_id)
        except UnknownUser as error:
            raise StripeRefused("unknown_user") from error
        made_before = await self._made_before(order.operation_id, customer_id)
        if made_before:
            return await self._told(made_before)
        try:
            if order.payment_method:
                if await self._had_a_trial(order, order.payment_method):
                    return Subscribed(refused=RefusalCode.TRIAL_ALREADY_USED)
                method = await attach(self._stripe, order.operation_id, customer_id, order.payment_method)
                return await self._begin_with(order, customer_id, method)
            if order.needs_card and not await self._has_card(order.operation_id, customer_id):
                return _without_card(order)
            return await self._begin(order, customer_id)
        except stripe.CardError as error:
            return Subscribed(declined=decline_code(error))
        except StripeRefused as refusal:
            if order.promotion_code and is_about_the_code(refusal):
                return Subscribed(refused=RefusalCode.PROMOTION_CODE_INVALID)
            if order.trial_ends_at and refusal.param == "trial_end":
                return Subscribed(without_card=True)  # it is over by now, and what follows then is another order
            if refusal.code == NO_TAX_LOCATION:
                return Subscribed(refused=RefusalCode.TAX_LOCATION_REQUIRED)
            if refusal.param == "payment_method" or refusal.code.startswith("payment_method"):
                return Subscribed(refused=RefusalCode.PAYMENT_METHOD_INVALID)
            raise

    async def _begin_with(self, order: SubscribeOrder, customer_id: str, method: str) -> Subscribed:
        """A card that is declined in a trial of ours is not kept, or it would be charged when the trial ends."""
        done = await self._begin(order, customer_id)
        if done.declined and order.goes_on:
            await detach(self._stripe, order.operation_id, method)
        return done

    async def _begin(self, order: SubscribeOrder, customer_id: str) -> Subscribed:
        earlier = await self._earlier_tries(order, customer_id) if order.goes_on else []
        by_itself = order.trial_ends_at and order.payment_method is None
        if by_itself and any(found.status == "incomplete" for found in earlier):
            return Subscribed(without_card=True)  # the bank is asking the customer, who wants to pay at once
        paid = await self._paid_or_given_up(order, earlier)
        if paid:
            return Subscribed(subscription_id=paid, paid_before=True)
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
        if order.trial_ends_at:
            params["trial_end"] = int(order.trial_ends_at.timestamp())
        elif order.trial_days:
            params["trial_period_days"] = order.trial_days
        if order.trial_ends_at or order.trial_days:
            params["trial_settings"] = {
                "end_behavior": {"missing_payment_method": order.terms.trial_without_card.at_stripe}
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
        declined = await self._why_incomplete(made)
        return Subscribed(subscription_id=made.id, declined=declined, action_required=declined is None)

    async def _why_incomplete(self, made: stripe.Subscription) -> str | None:
        """The decline code of the first payment; None when the customer has to confirm it at the bank."""
        invoice = made.latest_invoice
        invoice_id = invoice if isinstance(invoice, str) else (invoice.id if invoice else None)
        intent = await payment_intent_of(self._stripe, invoice_id) if invoice_id else None
        if intent is None or intent.status != "requires_payment_method":
            return None
        error = intent.last_payment_error
        return (error.decline_code or error.code) if error else "card_declined"

    @activity.defn(name="payments.give_up_waiting")
    async def give_up_waiting(self, order: LeaveOrder) -> str | None:
        """Void and end what waits for the bank; the subscription that was paid in spite of that, if there is one."""
        customer_id = await self._customers.id_of(order.user_id)
        if customer_id is None:
            return None
        try:
            return await self._paid_or_given_up(order, await self._earlier_tries(order, customer_id))
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
            return None

    @activity.defn(name="payments.has_card")
    async def has_card(self, user_id: str) -> bool:
        """Whether there is something to charge, should the user begin now."""
        customer_id = await self._customers.id_of(user_id)
        if customer_id is None:
            return False
        try:
            return (await card_on_file(self._stripe, customer_id))[0] is not None
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
            return False

    async def _has_card(self, operation_id: str, customer_id: str) -> bool:
        """A card that was given and is not the default yet becomes it: it is the one that is meant."""
        method, is_default = await card_on_file(self._stripe, customer_id)
        if method and not is_default:
            await make_default(self._stripe, operation_id, customer_id, method)
        return method is not None

    async def _had_a_trial(self, order: SubscribeOrder, method: str) -> bool:
        """Whether a trial is asked for with a card that another user has had one with."""
        if order.trial_days == 0 or order.goes_on:
            return False
        with answers():
            fingerprint = fingerprint_of(await self._stripe.v1.payment_methods.retrieve_async(method))
        return bool(fingerprint) and await card_is_anothers(self._engine, order.user_id, str(fingerprint))

    async def _earlier_tries(self, order: SubscribeOrder | LeaveOrder, customer_id: str) -> list[stripe.Subscription]:
        """What a trial of ours has begun before: its first payment waits for the bank, or is made and news to us."""
        with answers():
            known = await self._stripe.v1.subscriptions.list_async(
                {"customer": customer_id, "status": "all", "limit": 100}
            )
        marks = [(found, found.metadata.to_dict() if found.metadata else {}) for found in known.data]
        return [
            found
            for found, ours in marks
            if ours.get("user_id") == order.user_id and ours.get("operation_id") != order.operation_id
        ]

    async def _paid_or_given_up(
        self, order: SubscribeOrder | LeaveOrder, earlier: list[stripe.Subscription]
    ) -> str | None:
        """None of them may be confirmed from now on; what is paid already, also in this moment, is answered."""
        for found in earlier:
            if found.status in _PAID:
                return found.id
            if found.status != "incomplete":
                continue
            invoice_id = id_of(found.latest_invoice)
            if invoice_id and await void(self._stripe, f"{order.operation_id}/{found.id}", invoice_id):
                return found.id
            await end(self._stripe, found.id)  # with its invoice it may have expired already
        return None

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


def _without_card(order: SubscribeOrder) -> Subscribed:
    if order.only_with_card:
        return Subscribed(without_card=True)
    return Subscribed(refused=RefusalCode.PAYMENT_METHOD_REQUIRED)


def _subscribing(operation_id: str) -> str:
    return f"{operation_id}/subscribe"
