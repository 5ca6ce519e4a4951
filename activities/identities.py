"""A user's new name or e-mail address goes to Stripe, which prints both on invoices and receipts."""

from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed
from database.identities import Person, changed_identities, meet_everybody, note_identity

if TYPE_CHECKING:
    from stripe.params import CustomerUpdateParams

BATCH = 100
"""Changes told in one run; Stripe allows about as many writes a second."""
MEETINGS = 10_000

_log = structlog.get_logger(__name__)


class Identities:
    """An activity of every few minutes. It reads and writes names itself, so that no history holds one."""

    def __init__(self, stripe_client: Stripe, engine: AsyncEngine) -> None:
        self._stripe = stripe_client
        self._engine = engine

    @activity.defn(name="identities.follow")
    async def follow(self) -> int:
        """Tell Stripe of every change since the last time; answers how many there were."""
        while await meet_everybody(self._engine, MEETINGS) == MEETINGS:
            activity.heartbeat()
        changed = await changed_identities(self._engine, BATCH)
        for person in changed:
            await self._tell(person)
            await note_identity(self._engine, person.user_id, person.fresh)
        return len(changed)

    async def _tell(self, person: Person) -> None:
        """One that Stripe refuses (no address it would take, a customer who is gone) is not told again and again."""
        run = activity.info().workflow_run_id or "by-hand"
        params: CustomerUpdateParams = {"email": person.email, "name": person.name or ""}
        try:
            # The run is part of the key: who changes back within a day is told again, not answered from memory.
            with answers(), keyed(f"perennial/customer/{person.user_id}/identity/{person.fresh}/{run}") as key:
                await self._stripe.v1.customers.update_async(
                    person.stripe_customer_id, params, {"idempotency_key": key}
                )
        except StripeRefused as refusal:
            _log.warning("identity_refused", user_id=person.user_id, code=refusal.code)
