"""Forgetting a user: first Stripe, where nothing more may be charged and nothing personal stays; then our own rows.

Invoices stay at Stripe, as bookkeeping wants it: https://docs.stripe.com/api/customers/delete
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import stripe
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.ending import end
from activities.gateway import Stripe, StripeAway, StripeRefused, answers
from activities.keys import keyed
from activities.orders import TakeBackOrder
from activities.second_subscriptions import SecondSubscriptions
from activities.voiding import void
from settings import Settings

if TYPE_CHECKING:
    from stripe.params import CustomerUpdateParams

_MOST = 100
_KNOWN = text(
    """
    select
        (select stripe_customer_id from billing.customers where user_id = :user_id) as customer_id,
        (select stripe_subscription_id from billing.subscriptions where user_id = :user_id) as subscription_id
    """
)

_OF_OUR_OWN = (
    text("delete from billing.cards where user_id = :user_id"),
    text("delete from billing.invoice_links where user_id = :user_id"),
    text(
        """
        delete from billing.project_members
        where user_id = :user_id or project_id in (
            select project_id from billing.project_members where user_id = :user_id and role = 'owner'
        )
        """  # with an owner goes the project: whoever else is in it has no plan to live on any more
    ),
    text(
        """
        update billing.notifications set data = '{}',
            last_error = case when status = 'pending' then 'forgotten' else last_error end,
            status = case when status = 'pending' then 'skipped' else status end
        where user_id = :user_id
        """
    ),
    text("update billing.operations set answer = null where user_id = :user_id and answer is not null"),
    text(
        """
        update billing.subscriptions set stripe_customer_id = null, card_brand = null, card_last4 = null,
            card_exp_month = null, card_exp_year = null, open_invoice_url = null, planned_invoice_url = null
        where user_id = :user_id
        """
    ),
    text(
        """
        update billing.customers set former_customer_id = coalesce(stripe_customer_id, former_customer_id),
            stripe_customer_id = null, currency = null, identity_hash = null, missing_since = null, forgotten_at = now()
        where user_id = :user_id
        """
    ),
)


@dataclass(frozen=True)
class ForgetOrder:
    """End everything that Stripe has of a user. ``customer_id`` is the customer that the workflow knows, if any."""

    operation_id: str
    user_id: str
    customer_id: str | None = None


class Forgetting:
    """Two steps; the second is taken only when Stripe has confirmed the first."""

    def __init__(
        self, stripe_client: Stripe, engine: AsyncEngine, settings: Settings, seconds: SecondSubscriptions
    ) -> None:
        self._stripe = stripe_client
        self._engine = engine
        self._seconds = seconds
        self._deletes = settings.forgotten_customers == "delete"

    @activity.defn(name="forgetting.end_in_stripe")
    async def end_in_stripe(self, order: ForgetOrder) -> None:
        """Void what is open, end what runs, then delete the customer, or take everything personal off.

        Raises `StripeAway` also while Stripe does not yet show that it is done. Each part may be repeated.
        """
        async with self._engine.connect() as connection:
            known = (await connection.execute(_KNOWN, {"user_id": order.user_id})).one()
        for customer_id in sorted(one for one in {order.customer_id, known.customer_id} if one):
            await self._end(order, customer_id, known.subscription_id)

    async def _end(self, order: ForgetOrder, customer_id: str, own: str | None) -> None:
        operation_id = order.operation_id
        if await self._found(customer_id) is None:
            return
        await self._void(operation_id, customer_id)
        await self._end_subscriptions(order.user_id, customer_id, own)
        if self._deletes:
            with answers():
                await self._stripe.v1.customers.delete_async(customer_id)
        else:
            await self._strip(operation_id, customer_id)
        left = await self._found(customer_id)
        if left and (self._deletes or left.email or left.name or left.phone or left.address or left.shipping):
            raise StripeAway("the customer is still there")

    @activity.defn(name="forgetting.anonymise")
    async def anonymise(self, user_id: str) -> None:
        """All rows of the user in one transaction: what stays are ids, moments and amounts.

        The customer's row is detached from Stripe; the trial stays used, and the next customer gets a new name there.
        """
        async with self._engine.begin() as connection:
            for statement in _OF_OUR_OWN:
                await connection.execute(statement, {"user_id": user_id})

    async def _found(self, customer_id: str) -> stripe.Customer | None:
        """None: deleted, or never there."""
        try:
            with answers():
                found = await self._stripe.v1.customers.retrieve_async(customer_id)
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
            return None
        return None if getattr(found, "deleted", False) else found

    async def _void(self, operation_id: str, customer_id: str) -> None:
        """Pages go first, so that nothing new begins; then invoices, so that no late payment meets what has ended."""
        with answers():
            pages = await self._stripe.v1.checkout.sessions.list_async(
                {"customer": customer_id, "status": "open", "limit": _MOST}
            )
        for page in pages.data:
            with answers(), keyed(f"{operation_id}/{page.id}/expire") as key:
                await self._stripe.v1.checkout.sessions.expire_async(page.id, None, {"idempotency_key": key})
        with answers():
            owed = await self._stripe.v1.invoices.list_async(
                {"customer": customer_id, "status": "open", "limit": _MOST}
            )
        for invoice in owed.data:
            await void(self._stripe, f"{operation_id}/{invoice.id}", str(invoice.id))

    async def _end_subscriptions(self, user_id: str, customer_id: str, own: str | None) -> None:
        """Whoever is forgotten in the moment of paying a page had nothing for it yet: that one is taken back whole."""
        with answers():
            running = await self._stripe.v1.subscriptions.list_async({"customer": customer_id, "limit": _MOST})
        for subscription in running.data:
            owner = subscription.metadata.to_dict().get("user_id") if subscription.metadata else None
            if owner == user_id and subscription.id != own:
                await self._seconds.take_back(TakeBackOrder(user_id, customer_id, subscription.id))
            else:
                await end(self._stripe, subscription.id)

    async def _strip(self, operation_id: str, customer_id: str) -> None:
        """The customer stays for bookkeeping, without cards, name, addresses, and without our user's id."""
        with answers():
            methods = await self._stripe.v1.customers.payment_methods.list_async(customer_id, {"limit": _MOST})
        for method in methods.data:
            with answers(), keyed(f"{operation_id}/{method.id}/detach") as key:
                await self._stripe.v1.payment_methods.detach_async(method.id, None, {"idempotency_key": key})
        nothing: CustomerUpdateParams = {
            "email": "",
            "name": "",
            "phone": "",
            "description": "",
            "address": "",
            "shipping": "",
            "metadata": {"user_id": ""},
        }
        with answers(), keyed(f"{operation_id}/strip") as key:
            await self._stripe.v1.customers.update_async(customer_id, nothing, {"idempotency_key": key})
