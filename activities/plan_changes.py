"""A change of plan in Stripe, in the way that its timing asks for.

https://docs.stripe.com/billing/subscriptions/change-price, https://docs.stripe.com/billing/subscriptions/prorations
"""

from typing import TYPE_CHECKING

import stripe
from temporalio import activity

from activities.attaching import use_for
from activities.catalogue import Prices
from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed
from activities.open_payment import decline_code
from activities.orders import Changed, ChangeOrder, SupersededOrder
from activities.plans_ahead import (
    drop,
    forget_upgrade,
    id_of,
    is_planned_by,
    let_give_way,
    plan_for_period_end,
    release,
)
from activities.snapshots import seats_of
from activities.verdicts import operation_of, verdict_on
from lifecycle.plan_changes import ChangeTiming
from lifecycle.refusals import RefusalCode

if TYPE_CHECKING:
    from stripe.params import SubscriptionUpdateParams, SubscriptionUpdateParamsItem


class PlanChanges:
    """Moves subscriptions from one price to another, or to more or fewer seats."""

    def __init__(self, stripe_client: Stripe, prices: Prices) -> None:
        self._stripe = stripe_client
        self._prices = prices

    @activity.defn(name="payments.change_plan")
    async def change_plan(self, order: ChangeOrder) -> Changed:
        """Swap the price or the seats; asking for what is there drops a change that was planned before.

        So does another change for the end of the period. An upgrade leaves it until it is granted (`drop_superseded`).

        An upgrade stands only when it is paid: https://docs.stripe.com/billing/subscriptions/pending-updates. Declined,
        its invoice is voided and nothing is owed; when the bank wants to ask the customer, it waits for that.
        """
        try:
            return await self._changed(order)
        except stripe.CardError as error:
            return Changed(declined=decline_code(error))
        except StripeRefused as refusal:
            if order.payment_method and (refusal.param or refusal.code).startswith("payment_method"):
                return Changed(refused=RefusalCode.PAYMENT_METHOD_INVALID)
            if refusal.param == "proration_date":  # the period has turned since that moment
                return Changed(refused=RefusalCode.PREVIEW_STALE)
            if (refusal.code, refusal.param) == ("resource_missing", None):  # Stripe has nothing to charge
                return Changed(refused=RefusalCode.PAYMENT_METHOD_REQUIRED)
            raise

    @activity.defn(name="payments.drop_superseded")
    async def drop_superseded(self, order: SupersededOrder) -> None:
        """Release the schedule of a change in whose place an upgrade was granted."""
        await release(self._stripe, order.operation_id, order.schedule_id)

    async def _changed(self, order: ChangeOrder) -> Changed:
        found = await self._retrieved(order.subscription_id)
        if operation_of(found.metadata) == order.operation_id:
            return Changed()
        if found.pending_update and operation_of(found.pending_update.metadata) == order.operation_id:
            return await verdict_on(self._stripe, order.operation_id, found)
        if await is_planned_by(self._stripe, order.operation_id, found):
            return Changed()
        if order.payment_method:
            await use_for(self._stripe, order.operation_id, found, order.payment_method)
        if await forget_upgrade(self._stripe, order.operation_id, found):
            found = await self._retrieved(order.subscription_id)
        price_id = await self._prices.id_of(order.terms)
        item = found["items"].data[0]
        if item.price.id == price_id and order.quantity in {None, seats_of(item)}:
            await drop(self._stripe, order.operation_id, found)
            return Changed()
        if order.timing is ChangeTiming.AT_PERIOD_END:
            await drop(self._stripe, order.operation_id, found)
            await plan_for_period_end(self._stripe, order, found, price_id, former=id_of(found.schedule))
            return Changed()
        await let_give_way(self._stripe, order.operation_id, found)
        changed = await self._swapped(order, found, price_id)
        return await verdict_on(self._stripe, order.operation_id, changed) if changed.pending_update else Changed()

    async def _swapped(self, order: ChangeOrder, found: stripe.Subscription, price_id: str) -> stripe.Subscription:
        item = found["items"].data[0]
        wanted: SubscriptionUpdateParamsItem = {"id": item.id, "price": price_id}
        if order.quantity not in {None, seats_of(item)}:
            wanted["quantity"] = order.quantity
        params: SubscriptionUpdateParams = {
            "items": [wanted],
            "metadata": {"operation_id": order.operation_id},
        }
        if order.timing is ChangeTiming.IN_TRIAL:
            params["proration_behavior"] = "none"
        else:
            params["proration_behavior"] = "always_invoice"
            params["payment_behavior"] = "pending_if_incomplete"
        if order.proration_date and order.timing is ChangeTiming.WHEN_PAID:
            params["proration_date"] = int(order.proration_date.timestamp())
        with answers(), keyed(f"{order.operation_id}/change_plan") as key:
            return await self._stripe.v1.subscriptions.update_async(
                order.subscription_id, params, {"idempotency_key": key}
            )

    async def _retrieved(self, subscription_id: str) -> stripe.Subscription:
        with answers():
            return await self._stripe.v1.subscriptions.retrieve_async(subscription_id)
