"""Disputed payments: what Stripe says of one, and whose it is.

A dispute names a charge and no customer (https://docs.stripe.com/api/disputes/object), so its events wait in the ledger
without an owner until the charge has been looked up.
"""

from typing import TYPE_CHECKING

import stripe
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.snapshots import moment
from database.deliveries import disputes_without_customer, name_customer
from lifecycle.disputes import Dispute

if TYPE_CHECKING:
    from stripe.params import DisputeRetrieveParams

_WITH_CHARGE: "DisputeRetrieveParams" = {"expand": ["charge"]}


class Disputes:
    """Reads disputes; answering them is a person's work, in Stripe's dashboard."""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine) -> None:
        self._stripe = stripe_client
        self._engine = engine

    @activity.defn(name="disputes.fetch")
    async def fetch(self, dispute_id: str) -> Dispute | None:
        """The present of a dispute; None when Stripe has no such dispute."""
        found = await self._retrieved(dispute_id)
        if found is None:
            return None
        due = found.evidence_details.due_by if found.evidence_details else None
        return Dispute(
            id=found.id,
            charge_id=found.charge if isinstance(found.charge, str) else found.charge.id,
            amount=found.amount,
            currency=found.currency,
            reason=found.reason,
            status=found.status,
            respond_by=moment(due) if due else None,
        )

    @activity.defn(name="disputes.find_owners")
    async def find_owners(self) -> int:
        """Name the Stripe customer of each dispute that waits for an owner; answers how many had one."""
        named = 0
        for waiting in await disputes_without_customer(self._engine):
            found = await self._retrieved(waiting.object_id)
            customer = _customer_of(found) if found else None
            await name_customer(self._engine, waiting.events, customer)
            named += customer is not None
            activity.heartbeat(named)
        return named

    async def _retrieved(self, dispute_id: str) -> stripe.Dispute | None:
        try:
            with answers():
                return await self._stripe.v1.disputes.retrieve_async(dispute_id, _WITH_CHARGE)
        except StripeRefused as refusal:
            if refusal.code == "resource_missing":
                return None
            raise


def _customer_of(dispute: stripe.Dispute) -> str | None:
    """The customer whose payment it was; a guest's has none."""
    charge = dispute.charge
    customer = charge.customer if isinstance(charge, stripe.Charge) else None
    return customer.id if isinstance(customer, stripe.Customer) else customer
