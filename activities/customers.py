"""Who a user is to Stripe: one customer each, made once, also when two requests want it at the same time."""

import time
from typing import TYPE_CHECKING

from sqlalchemy import case, null, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import harmless
from database import tables
from database.identities import identity_hash_of
from settings import Settings

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams


class UnknownUser(Exception):
    """There is no such user (any more); the message is the id."""


class Customers:
    """Finds or makes the Stripe customer of a user."""

    def __init__(self, stripe: Stripe, engine: AsyncEngine, settings: Settings) -> None:
        self._stripe = stripe
        self._engine = engine
        self._with_test_clock = settings.stripe_test_clocks

    async def id_of(self, user_id: str) -> str | None:
        """The Stripe customer that we know of."""
        found = select(tables.customers.c.stripe_customer_id).where(tables.customers.c.user_id == user_id)
        async with self._engine.connect() as connection:
            customer_id: str | None = (await connection.execute(found)).scalar()
        return customer_id

    async def ensure(self, user_id: str) -> str:
        """The Stripe customer of this user, made if there is none or was deleted there; raises `UnknownUser`.

        The idempotency key is the user's, so two makers at once get the same customer; where Stripe no longer knows
        the key, or the name changed meanwhile, the customer is found by our ``user_id`` in its metadata.
        """
        known = await self.id_of(user_id)
        if known and await self._exists(known):
            return known
        gone = known or await self._former(user_id)
        customer_id = await self._found_in_stripe(user_id, gone) or await self._made(user_id, gone)
        return await self._keep(user_id, customer_id, instead_of=known)

    async def is_gone(self, user_id: str) -> bool:
        """Whether the customer that we know of was deleted in Stripe; if so, their currency binds nobody any more."""
        known = await self.id_of(user_id)
        if known is None or await self._exists(known):
            return False
        theirs = (tables.customers.c.user_id == user_id) & (tables.customers.c.stripe_customer_id == known)
        async with self._engine.begin() as connection:
            await connection.execute(update(tables.customers).where(theirs).values(currency=None))
        return True

    async def _former(self, user_id: str) -> str | None:
        """The customer of a user who was forgotten and is back."""
        mine = select(tables.customers.c.former_customer_id).where(tables.customers.c.user_id == user_id)
        async with self._engine.connect() as connection:
            former: str | None = (await connection.execute(mine)).scalar()
        return former

    async def _exists(self, customer_id: str) -> bool:
        """Stripe shows a deleted customer, marked so: https://docs.stripe.com/api/customers/delete"""
        try:
            with answers():
                found = await self._stripe.v1.customers.retrieve_async(customer_id)
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
            return False
        return not getattr(found, "deleted", False)

    async def _made(self, user_id: str, gone: str | None) -> str:
        """Under a key that names the customer who is gone: the first one's would give that one again for a day.

        A customer is charged nothing, so where Stripe failed a second one does no harm.
        """
        params, customers = await self._described(user_id), self._stripe.v1.customers
        name = f"perennial/customer/{user_id}/after/{gone}" if gone else f"perennial/customer/{user_id}"
        try:
            with answers():
                customer = await harmless(name, lambda key: customers.create_async(params, {"idempotency_key": key}))
        except StripeRefused:
            found = await self._found_in_stripe(user_id, gone)
            if found is None:
                raise
            return found
        return customer.id

    async def _described(self, user_id: str) -> "CustomerCreateParams":
        params: CustomerCreateParams = {"metadata": {"user_id": user_id}}
        email, name = await self._identity(user_id)
        params["email"] = email
        if name:
            params["name"] = name
        if self._with_test_clock:
            params["test_clock"] = await self._clock_for(user_id)
        return params

    async def _found_in_stripe(self, user_id: str, gone: str | None) -> str | None:
        """Stripe's search may still show for a minute what was deleted: https://docs.stripe.com/search"""
        quoted = user_id.replace("\\", "\\\\").replace("'", "\\'")
        with answers():
            found = await self._stripe.v1.customers.search_async(
                {"query": f"metadata['user_id']:'{quoted}'", "limit": 10}
            )
        return next((one.id for one in found.data if one.id != gone), None)

    async def _identity(self, user_id: str) -> tuple[str, str | None]:
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    text("select email, name from billing.users where key = billing.key_of_user(:user_id)"),
                    {"user_id": user_id},
                )
            ).one_or_none()
        if row is None:
            raise UnknownUser(user_id)
        return row.email, row.name

    async def _clock_for(self, user_id: str) -> str:
        """A clock of the customer's own: kept at once, since Stripe ties a customer to its clock for good."""
        mine = select(tables.customers.c.test_clock_id).where(tables.customers.c.user_id == user_id)
        async with self._engine.connect() as connection:
            known: str | None = (await connection.execute(mine)).scalar()
        if known:
            return known
        with answers():
            clock = await self._stripe.v1.test_helpers.test_clocks.create_async(
                {"frozen_time": int(time.time()) + await self._ahead(user_id), "name": user_id}
            )
        return await self._keep_clock(user_id, clock.id)

    async def _ahead(self, user_id: str) -> int:
        """Seconds; who has travelled in a trial that Stripe does not know of becomes a customer in their own time."""
        mine = select(tables.customers.c.clock_offset_seconds).where(tables.customers.c.user_id == user_id)
        async with self._engine.connect() as connection:
            return int((await connection.execute(mine)).scalar() or 0)

    async def _keep_clock(self, user_id: str, clock_id: str) -> str:
        row = insert(tables.customers).values(user_id=user_id, test_clock_id=clock_id)
        kept = row.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"test_clock_id": text("coalesce(customers.test_clock_id, excluded.test_clock_id)")},
        ).returning(tables.customers.c.test_clock_id)
        async with self._engine.begin() as connection:
            return str((await connection.execute(kept)).scalar_one())

    async def _keep(self, user_id: str, customer_id: str, instead_of: str | None) -> str:
        """Remember a customer unless somebody else did meanwhile; answers the one that counts.

        The currency was that of the one who is gone.
        """
        known = tables.customers.c.stripe_customer_id
        told = {"identity_hash": identity_hash_of(user_id)}
        row = insert(tables.customers).values(user_id=user_id, stripe_customer_id=customer_id, **told)
        nobody_else = known.is_not_distinct_from(instead_of)
        kept = row.on_conflict_do_update(
            index_elements=["user_id"],
            set_={
                "stripe_customer_id": case((nobody_else, row.excluded.stripe_customer_id), else_=known),
                "currency": case((nobody_else & known.is_not(None), null()), else_=tables.customers.c.currency),
                "forgotten_at": None,
                **told,
            },
        ).returning(known)
        async with self._engine.begin() as connection:
            return str((await connection.execute(kept)).scalar_one())
